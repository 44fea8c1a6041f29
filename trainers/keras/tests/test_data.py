"""Definition, dataset, labels, preprocessing and split: the parts without a framework."""

import hashlib
import unittest
from array import array

from aibom_trainer.contract import DataError
from aibom_trainer.data import (
    class_labels,
    fit_columns,
    parse_number,
    prepare,
    read_table,
    regression_targets,
)
from aibom_trainer.definition import parse_definition
from aibom_trainer.split import split_rows, validation_rows

# As AIBoMGen's own generator writes it (keys sorted by its YAML library).
AIBOMGEN = b"""
columns: {alcohol: float, pH: float, quality: int}
input_shape: [2]
label: quality
output_shape: [6]
preprocessing: {clip: [0.0, 1.0], normalize: true, scale: 1.0}
"""


def definition(text: str):
    return parse_definition(text.encode())


class Refusing(unittest.TestCase):
    def refused(self, reason: str, call, *args, says: str = "") -> None:
        with self.assertRaises(DataError) as caught:
            call(*args)
        self.assertEqual(caught.exception.reason, reason)
        self.assertEqual(caught.exception.exit_code, 3)
        self.assertIn(says, str(caught.exception))


class DefinitionTest(Refusing):
    def test_aibomgen_definitions_work_as_they_are(self) -> None:
        read = parse_definition(AIBOMGEN)
        self.assertEqual(read.features, ("alcohol", "pH"))
        self.assertEqual(read.label, "quality")
        self.assertEqual(read.preprocessing.kind, "standardize+scale+clip")

    def test_other_kinds_of_datasets_are_unsupported(self) -> None:
        for text in (
            b"type: image\nimage_size: [28, 28]\ninput_shape: [28, 28, 3]\noutput_shape: [10]",
            b"image_size: [28, 28]\noutput_shape: [10]",
            b"type: tfrecord\nfeatures: {features: {shape: [3], dtype: float32}}\nlabel: {name: label, dtype: int64}",
            b"input_shape: [10]\nfeatures: {feature: float}\nlabel: label",
        ):
            self.refused("unsupported_dataset_type", parse_definition, text)

    def test_what_would_be_ignored_is_refused(self) -> None:
        base = "columns: {a: float, y: int}\nlabel: y\n"
        self.refused("unsupported_preprocessing", definition, base + "preprocessing: {log: true}")
        self.refused("definition_unknown_key", definition, base + "flatten: true")
        self.refused("definition_malformed", definition, base + "label: a", says="twice")
        self.refused("definition_malformed", definition, "columns: &c {a: float, y: int}\nlabel: y")
        self.refused("definition_malformed", definition, base + "input_shape: [2]", says="[1]")
        self.refused("definition_malformed", definition, "columns: {a: float}\nlabel: y")
        self.refused(
            "definition_malformed",
            definition,
            "columns: {a: float, y: int}\nlabel: y\nx: !!python/name:os.system",
        )
        self.refused("unsupported_column", definition, "columns: {a: string, y: int}\nlabel: y")

    def test_words_of_yaml_may_name_columns(self) -> None:
        read = definition("columns: {on: float, 1: float, y: int}\nlabel: y")
        self.assertEqual(read.features, ("on", "1"))


class TableTest(Refusing):
    def setUp(self) -> None:
        self.definition = definition("columns: {a: float, n: int, y: int}\nlabel: y")

    def read(self, text: str):
        return read_table(text.splitlines(keepends=True), self.definition)

    def test_columns_are_found_by_name_and_others_are_listed(self) -> None:
        table = self.read("y,extra,n,a\n1,zzz,2,0.5\n")
        self.assertEqual([list(column) for column in table.features], [[0.5], [2.0]])
        self.assertEqual(table.labels, ["1"])
        self.assertEqual(table.ignored_columns, ("extra",))

    def test_a_bad_cell_is_named_by_row_and_column(self) -> None:
        for cell, reason in (
            ("", "cell_missing"),
            ("  ", "cell_missing"),
            ("NaN", "cell_not_a_number"),
            ("inf", "cell_not_a_number"),
            ("1_000", "cell_not_a_number"),
            ("x", "cell_not_a_number"),
            ("1e39", "cell_out_of_range"),
            ("1e999", "cell_out_of_range"),
        ):
            with self.subTest(cell=cell):
                self.refused(reason, self.read, f"a,n,y\n1,1,0\n{cell},1,1\n", says="row 2, column 'a'")
        self.refused("cell_not_an_integer", self.read, "a,n,y\n1,1.5,0\n", says="row 1, column 'n'")
        self.refused("cell_missing", self.read, "a,n,y\n1,1,\n", says="row 1, column 'y'")

    def test_a_bad_shape_is_an_error(self) -> None:
        self.refused("row_width", self.read, "a,n,y\n1,1,0\n1,1\n", says="row 2")
        self.refused("row_width", self.read, "a,n,y\n1,1,0\n\n1,1,1\n", says="row 2")
        self.refused("column_missing", self.read, "a,y\n1,1\n", says="n")
        self.refused("column_repeated", self.read, "a,n,y,a\n1,1,1,1\n")
        self.refused("dataset_empty", self.read, "")
        self.refused("dataset_empty", self.read, "a,n,y\n")

    def test_numbers(self) -> None:
        for text, value in (("1", 1.0), ("-1.5e3", -1500.0), (" .5 ", 0.5), ("3.", 3.0), ("+2", 2.0)):
            self.assertEqual(parse_number(text, "float", 1, "a"), value)


class LabelTest(Refusing):
    def classes(self, text: str, cells: list[str]):
        read = definition(text)
        return class_labels(read_table(["a,y\n", *(f"0,{cell}\n" for cell in cells)], read), read)

    def test_labels_are_mapped_not_cut_off(self) -> None:
        found = self.classes("columns: {a: float, y: float}\nlabel: y", ["1.2", "1.8", "1.2", "3"])
        self.assertEqual(found.names, ("1.2", "1.8", "3"))
        self.assertEqual(found.indexes, [0, 1, 0, 2])

    def test_a_fraction_in_an_integer_label_is_an_error(self) -> None:
        text = "columns: {a: float, y: int}\nlabel: y"
        self.assertEqual(self.classes(text, ["10", "9", "10.0"]).names, ("9", "10"))
        self.refused("cell_not_an_integer", self.classes, text, ["1", "2.7"], says="row 2, column 'y'")

    def test_text_labels_and_listed_labels(self) -> None:
        text = "columns: {a: float, y: string}\nlabel: y\nlabels: [setosa, virginica]"
        self.assertEqual(self.classes(text, ["virginica"]).indexes, [1])
        self.refused("label_unknown", self.classes, text, ["setosa", "rose"], says="row 2, column 'y'")
        self.refused(
            "definition_malformed",
            self.classes,
            "columns: {a: float, y: int}\nlabel: y\nlabels: [1, 1.0]",
            ["1"],
        )

    def test_regression_keeps_fractions(self) -> None:
        read = definition("columns: {a: float, y: float}\nlabel: y")
        self.assertEqual(regression_targets(read_table(["a,y\n", "0,2.75\n"], read), read), [2.75])


class PreprocessingTest(unittest.TestCase):
    def test_it_is_fitted_on_train_rows_only(self) -> None:
        read = definition(
            "columns: {a: float, y: int}\nlabel: y\npreprocessing: {normalize: true, scale: 2, clip: [-1, 3]}"
        )
        table = read_table(["a,y\n", "1,0\n", "3,1\n", "1000,0\n"], read)
        (fit,) = fit_columns(table, read, [0, 1])
        self.assertEqual((fit.mean, fit.std), (2.0, 1.0))
        self.assertEqual(list(prepare(table.features[0], fit, read)), [-1.0, 2.0, 3.0])

    def test_a_constant_column_is_harmless(self) -> None:
        read = definition("columns: {a: float, y: int}\nlabel: y\npreprocessing: {normalize: true}")
        table = read_table(["a,y\n", "5,0\n", "5,1\n"], read)
        (fit,) = fit_columns(table, read, [0, 1])
        self.assertEqual(prepare(table.features[0], fit, read), array("d", [0.0, 0.0]))


class SplitTest(Refusing):
    def test_every_row_is_in_exactly_one_part(self) -> None:
        division = split_rows(178, 0.2, 20260101)
        self.assertEqual(len(division.validation), 35)
        self.assertEqual(sorted(division.train + division.validation), list(range(178)))

    def test_the_seed_alone_decides(self) -> None:
        self.assertEqual(split_rows(50, 0.3, 1), split_rows(50, 0.3, 1))
        self.assertNotEqual(split_rows(50, 0.3, 1), split_rows(50, 0.3, 2))

    def test_the_published_rule(self) -> None:
        ranks = {row: hashlib.sha256(b"aibom.split.v1:9:%d" % row).hexdigest() for row in range(10)}
        expected = sorted(ranks, key=ranks.__getitem__)
        division = split_rows(10, 0.3, 9)
        self.assertEqual(division.validation + division.train, expected)

    def test_counts_are_exact_in_decimal(self) -> None:
        self.assertEqual(validation_rows(100, 0.29), 29)
        self.assertEqual(split_rows(3, 0.0, 1).validation, [])
        self.refused("too_few_rows", split_rows, 3, 0.1, 1)


if __name__ == "__main__":
    unittest.main()
