"""Features: windows of every recording in one table that knows its units."""

import eegtl
from eegtl.features import FEATURES
from eegtl.preprocessing import ArtefactMarks, Notch

for record in FEATURES.values():
    print(f"{record.name:15s} {record.unit:12s} {record.citation[:60]}")

people = eegtl.load("synthetic").select(subjects=["w01", "w02", "w03"])
extractor = eegtl.FeatureExtractor(
    features=("de", "dasm", "hjorth"),
    window=2.0,
    preprocessing=[ArtefactMarks(), Notch(50.0)],
)
table = extractor.extract(people)
print(table)
print("columns:", table.columns[0], "...", table.columns[-1])
print("(windows, channels, bands):", table.block("de").shape)
print(table.meta[["subject", "trial", "label", "onset", "flags"]].head(3).to_string(index=False))

flagged = table.meta["flags"] != ""
print(f"{flagged.sum()} of {len(table)} windows carry marks; they are marked, not deleted")
