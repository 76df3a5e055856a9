"""Days: train on a wearer's earlier days, test on a later one."""

import eegtl

people = eegtl.load("synthetic-days")
print(people.name, people.extent())
table = eegtl.FeatureExtractor(window=5.0).extract(people)
study = eegtl.run_study(table, methods=["tca"], protocol="cross-session", n_shuffles=5)
print(study)
