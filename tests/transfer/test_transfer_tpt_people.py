"""TPT with people who lack classes, in few or strange rows, and as embeddings without rows."""

from __future__ import annotations

import numpy as np
import pytest
from reference.tpt_naive import machines, ridge_left_out, ridge_prediction
from transfer.tpt_problems import REGRESSORS, fitted, machine, own_machines, people

from eegtl.errors import InputError
from eegtl.transfer.answers import fit_sharpness
from eegtl.transfer.tpt import TPT


class TestClassesOfSubjects:
    @pytest.mark.parametrize("regressor", REGRESSORS)
    def test_a_lacking_class_is_regressed_over_those_who_have_it(self, regressor: str) -> None:
        X, y, subjects = people(5, 30, n_classes=3)
        keep = (subjects > 1) | (y != 2)  # two people lack class 2
        parameters = {"regressor": regressor, "alpha": 0.05, "gamma": 0.1, "epsilon": 0.3}
        tpt = fitted((X[keep], y[keep], subjects[keep]), **parameters)
        # before adapt it is the mean of those who have it, not dragged to a constant
        theirs = own_machines(tpt)
        np.testing.assert_allclose(machine(tpt)[2], theirs[2:, 2].mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(machine(tpt)[:2], theirs[:, :2].mean(axis=0), atol=1e-12)
        tpt.adapt(X[:30])
        np.testing.assert_array_equal(tpt.blend_[2, :2], 0.0)
        if regressor == "krr":
            expected = ridge_prediction(
                tpt.kernel_[2:, 2:], tpt.similarity_[2:], theirs[2:, 2], 0.05 * tpt.spread_
            )
            np.testing.assert_allclose(machine(tpt)[2], expected, atol=1e-9)
        assert 2 in tpt.predict(X[y == 2])

    def test_a_class_of_one_subject(self) -> None:
        """Its machine is taken as it is, and who has it cannot be predicted from others."""
        X, y, subjects = people(4, 30, n_classes=3)
        keep = (subjects == 0) | (y != 2)
        X, y, subjects = X[keep], y[keep], subjects[keep]
        tpt = fitted((X, y, subjects), alpha=0.1).adapt(X[subjects == 3])
        np.testing.assert_array_equal(tpt.blend_[2], [1, 0, 0, 0])
        np.testing.assert_allclose(machine(tpt)[2], own_machines(tpt)[0, 2], atol=1e-12)
        scored = subjects > 0
        scores = np.vstack(
            [
                X[subjects == i] @ m[:, :-1].T + m[:, -1]
                for i, m in enumerate(self.left_out(tpt))
                if i > 0
            ]
        )
        assert tpt.sharpness_ == pytest.approx(fit_sharpness(scores, y[scored]), rel=1e-6)

    @staticmethod
    def left_out(tpt: TPT) -> np.ndarray:
        theta = own_machines(tpt)
        predicted = np.repeat(theta[:1], 4, axis=0)
        predicted[:, :2] = ridge_left_out(
            tpt.kernel_, theta[:, :2].reshape(4, -1), tpt.alpha_ * tpt.spread_
        ).reshape(4, 2, -1)
        return predicted

    def test_a_subject_of_one_class_is_left_out(self) -> None:
        X, y, subjects = people(4)
        keep = (subjects != 1) | (y == 0)
        tpt = fitted((X[keep], y[keep], subjects[keep])).adapt(X[:5])
        rest = subjects != 1
        other = fitted((X[rest], y[rest], subjects[rest])).adapt(X[:5])
        assert tpt.subjects_.tolist() == [0, 2, 3]
        np.testing.assert_array_equal(machine(tpt), machine(other))
        assert tpt.source_rows_.shape == (60, 3)

    def test_a_class_that_nobody_has_beside_another_is_refused(self) -> None:
        X, y, subjects = people(3, n_classes=3)
        keep = np.where(y == 2, subjects == 2, subjects != 2)
        message = (
            r"no source subject has rows of \[2\] beside another class \(3 subjects\)\. Give more "
            r"sources, and one subject for each row\."
        )
        with pytest.raises(InputError, match=message):
            fitted((X[keep], y[keep], subjects[keep]))


class TestEmbeddings:
    def test_fourier_holds_no_rows_and_is_close(self) -> None:
        X, y, subjects = people(5, 200)
        source = subjects < 4
        given = (X[source], y[source], subjects[source])
        exact = fitted(given, alpha=0.1).adapt(X[~source])
        for n_frequencies, tolerance in ((512, 0.15), (8192, 0.04)):
            tpt = fitted(given, alpha=0.1, embedding="fourier", n_frequencies=n_frequencies).adapt(
                X[~source]
            )
            np.testing.assert_allclose(tpt.kernel_, exact.kernel_, atol=tolerance)
            np.testing.assert_allclose(tpt.similarity_, exact.similarity_, atol=tolerance)
            np.testing.assert_allclose(tpt.blend_, exact.blend_, atol=2 * tolerance)
        arrays = [value for value in vars(tpt).values() if isinstance(value, np.ndarray)]
        assert max(len(a) for a in arrays if a.ndim) == 8192  # the frequencies
        assert not any(a.shape[:1] == (800,) for a in arrays)
        assert tpt.source_rows_.shape == (0, 3)

    def test_refitting_forgets_the_rows(self) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects))
        assert len(tpt.source_rows_) == 100
        tpt.set_params(embedding="fourier").fit(X, y, subjects=subjects)
        assert len(tpt.source_rows_) == 0

    def test_keeps_no_reference_to_the_rows(self) -> None:
        X, y, subjects = people()
        tpt = fitted((X, y, subjects)).adapt(X[:20])
        before = machine(tpt)
        rows = X[:20].copy()
        X[:] = 0.0
        np.testing.assert_array_equal(machine(tpt.adapt(rows)), before)


class TestDegenerate:
    @pytest.mark.parametrize("regressor", REGRESSORS)
    @pytest.mark.parametrize("embedding", ["exact", "fourier"])
    def test_constant_features_and_one_target_row(self, embedding: str, regressor: str) -> None:
        X, y, subjects = people()
        X = np.column_stack([X, np.ones(100), np.zeros(100)])
        tpt = fitted((X, y, subjects), embedding=embedding, regressor=regressor).adapt(X[:1])
        assert np.all(np.isfinite(tpt.decision_function(X)))
        np.testing.assert_allclose(tpt.coef_[:, 3:], 0.0, atol=1e-12)
        probabilities = tpt.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)

    def test_equal_people(self) -> None:
        X, y, _ = people(1, 30)
        subjects = np.repeat([0, 1, 2], 30)
        tpt = fitted((np.tile(X, (3, 1)), np.tile(y, 3), subjects)).adapt(X)
        np.testing.assert_allclose(machine(tpt), machines(X, y, 2, 0.1), atol=2e-5)

    def test_rows_that_all_coincide(self) -> None:
        tpt = TPT().fit(np.ones((8, 2)), [0, 1] * 4, subjects=[0] * 4 + [1] * 4).adapt([[1, 1]])
        assert np.all(np.isfinite(tpt.predict_proba([[1.0, 2.0]])))
