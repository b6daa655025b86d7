"""Writes pyyaml.json: what Python and PyYAML make of the strings, numbers and documents below.

    pip install pyyaml==6.0.3 && python3 make_pyyaml.py > pyyaml.json

Made with Python 3.11.7 and PyYAML 6.0.3 on libyaml 0.2.5. It takes no other input, so a second run gives the same file.
"""
import json
import math
import sys

import yaml


def dump(data):
    """The call of mlflow.utils.yaml_utils.write_yaml."""
    return yaml.dump(data, default_flow_style=False, allow_unicode=True, sort_keys=True, Dumper=yaml.CSafeDumper)


def places(s):
    """One string in every place a string can have in a document."""
    return {
        "k": s,
        "list": [s, [s, s], {"k": s}],
        "nested": {"a": {"b": s, "list": [s]}},
        "z": {s: s},
        "zz": {s: [s, {s: s}]},
        "zzz": [{s: {s: s}}],
    }


WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore"
LONG = WORDS + " " + WORDS

STRINGS = [
    # looks like another type of YAML 1.1
    "", "~", "null", "Null", "NULL", "nULL", "nil", "yes", "Yes", "YES", "yES", "no", "No", "NO", "true", "True", "TRUE",
    "tRUE", "false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", "oFF", "yy", "nn", "=", "==", "<<", "<", "<<<",
    "0", "1", "-1", "+1", "007", "010", "0_", "0b101", "0b", "0b12", "-0b1", "0x1F", "0x", "0xg", "+0xff", "1_000", "1_",
    "123456789012345678901234567890", "1:30", "1:60", "1:5", "1:5:", "190:20:30", "190:20:30.5", "01:30", "0:30", "1:30:75",
    "1.0", "1.", "-1.", ".5", ".", "..", "-.", "+.", "-", "+", "--", "++1", "1.5e+5", "1.5E-5", "1.5e+", "1._5", "1..5",
    "1.5.6", "1e", "e5", ".e5", "_1", "_", "__", "-_", "1,000", "1 000", "0x1.8p3", "1e5f", "1j", "12f", "100%", "1/2", "1-2",
    ".inf", "-.inf", "+.INF", ".Inf", ".iNF", "inf", "-inf", "nan", ".nan", ".NaN", ".NAN", "-.nan", ".Nan", "Infinity",
    "2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01 00:00:00", "2020-1-1 0:00:00.5 +01:00", "2020-01-01t1:22:33.4-5",
    "2020-01-01 00:00", "2020-01-01 00:00:00 +1:00:00", "2020-01-01x", "2020-01", "20200101", "12020-01-01", "2020-123-1",
    "2020-01-01T00:00:00+010", "2020-01-01 10:00:00Zx", "2020-13-45",
    # MLflow's own values
    "exp one", "file:///d/mlruns/1", "s3://bucket/a b/c#d?e=f&g", "C:\\Users\\x\\mlruns", "alice", "active",
    "b3670504b60c40b68e9d68050da1fde5", "766674568488710649", "models:/m-1234", "dbfs:/x", "my run", "lr=0.1, bs=32",
    # syntax
    "- a", "-a", "-", "- ", "? a", "?a", "?", ": a", ":a", ":", "::", "a:", "a: b", "a:b", "a :b", "a : b", "a #b", "a# b",
    "a#b", "#a", "# a", ",a", "a,b", "[a", "a[", "]a", "a]", "[a]", "{a", "{a}", "}", "&a", "a&b", "*a", "a*b", "!a", "!", "a!",
    "|", "|a", "a|", ">", ">a", "a>", "'", "'a", "a'", "it's", "''", "'a'", "\"", "\"a", "a\"", "say \"x\"", "%a", "a%", "@a",
    "a@b", "`a", "a`", "---", "---a", "--- a", "a---", "--", "--x", "...", "....", "...a", "a...", "..a", "\\", "a\\b", "\\n",
    "{}", "[]", "- - -", "-- a", "a\\", "a: 'b'", "a: \"b\"", "it's: \"b\"", "key: v", "$x", "^", "(a)", ";", "/", "<a>",
    # blanks
    " ", "  ", "   ", " a", "a ", " a ", "  a", "a  b", "a   b  c", "a: ", ": ", " :", " #", "# ", "\t", "\ta", "a\t", "a\tb",
    "a \tb", "a\t: b", "\u00a0", "\u00a0a", "a\u00a0", "a\u00a0b", "a\u3000b", "\u2003", "a\u200bb", "a\u2007",
    # line breaks
    "\n", "\n\n", "\n\n\n", "a\n", "\na", "a\nb", "a\n\nb", "a\n\n\nb\n\n", "\n\na\n", "a\n b", "a \nb", "a\n b\n c", " \n", "\n ",
    "a\n\tb", "a: b\nc: d", "- a\n- b", "it's\nit's", "#a\n#b", "\r", "a\rb", "a\r\nb", "\r\n", "\u0085", "a\u0085b", "\u2028",
    "\u2029", "a\u2028b", "a\u2029b", "a\u2028\u2029b", "a\u2028\nb", "a\n\u2028b", "\u2028a", "a\u2028", "a \u2028b",
    "a\u2028 b", "a\n'b'\n\"c\"", "1\n", "true\n", "null\n2", "---\na", "a\n---\nb", "a\n...\n", "a\n# b",
    # escapes
    "\0", "a\0b", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b", "\x1b[31mred\x1b[0m", "\x1c", "\x1f", "\x7f", "\x80", "\x84", "\x86",
    "\x9f", "\ufeff", "\ufeffa", "a\ufeff", "\ufffd", "a\ufffdb", "\ufffe", "\uffff", "\ue000", "\ud7ff", "\ufdd0", "\U00010000",
    "\U0001f600", "run \U0001f600 one", "\U0010ffff", "\U000e0001", "\"\\\"\0", "'\0", "it's \U0001f600", "a: \U0001f600",
    # other scripts
    "\u00e9", "caf\u00e9", "\u65e5\u672c\u8a9e", "\u65e5\u672c\u8a9e: a", "\u0430\u0431\u0432", "\u0661\u0662", "\uff11", "e\u0301",
    "\u0645\u0631\u062d\u0628\u0627", "\ud55c\uae00", "\u00ab\u00bb",
    # folding
    LONG, "'" + LONG, "\0" + LONG, LONG + ":", LONG + "\n" + LONG, LONG.replace(" ", "  "), LONG.replace("dolor ", "dolor  "),
    "\0" + LONG.replace(" ", "  "), "\0" + LONG.replace("dolor ", "dolor   "), LONG.replace(" ", "\u3000"), LONG.replace(" ", "_"),
    LONG.replace("o", "\u00f6"), LONG.replace("o", "\u65e5"), LONG.replace("o", "\U0001f600"), LONG.replace("o", "'"), LONG.replace("o", "\""),
    " " + LONG, LONG + " ", "a " * 60, "a " * 60 + "b", "'a " * 60, "\0a " * 60, " a" * 60, "x" * 100 + " y", "x" * 100 + "  y",
    "x" * 100 + " y z", "x" * 100 + " ", " " + "x" * 100, "'" + "x" * 100 + " y", "'" + "x" * 100 + " ", "\0" + "x" * 100 + " ",
    "\0" + "x" * 100 + " y", "\0" + "x" * 100 + "  y", "\0" + "x" * 100 + "   ", "\0" + "x" * 100 + "  ", "x" * 100 + " \u2028y",
    "x" * 100 + " # y", "x" * 100 + " : y", "x" * 100 + " - y", "x" * 100 + " 'y'", "x" * 90 + "\ny z " + "x" * 90 + " y z",
    "\u65e5" * 79 + " \u672c\u8a9e a b", "'\u65e5" * 40 + " \u672c\u8a9e a b", "\\" * 90 + " a b", "\0" + "\\" * 45 + " a b",
    # around the limits of a simple key and of a line
    "x" * 127, "x" * 128, "x" * 129, "'" + "x" * 127, "'" + "x" * 128, "\u00e9" * 64, "\u00e9" * 65, "\u65e5" * 42, "\u65e5" * 43,
    ("x" * 63 + " ") * 2 + "y", ("x" * 63 + " ") * 2, "x" * 128 + "\n", ("ab " * 50)[:128], ("ab " * 50)[:131], ("\0 b " * 50)[:128],
] + [
    "x" * n + " yy zz" for n in range(58, 84)
] + [
    "\0" + "x" * n + " yy  zz" for n in range(66, 84, 3)
]

# Plain for PyYAML, and quoted by this package.
RETYPED = [
    "y", "Y", "n", "N", "08", "09", "-08", "+019", "0123456789", "08_1", "1e5", "1E5", "1e+5", "1e-3", "-1e5", "+1e5", "1e999", "1.5e5", "1.e5",
    ".5e5", "+.5", "-.5", "-.5e+3", "1_0e5", "1e1_0", "12345e67", "1234567890123456789012345678e012", "0e0", "00e1", "0o7", "0o17", "-0o17", "+0o17",
    "0O17", "0o1_7", "0X1F", "-0XfF", "0B101", "0b-101", "0o-7", "0x+1", "+_1", "-_1_", "._5", "._5e1", "2020-1-1", "2020-01-1", "2020-1-01", "2020-1-1T1:2:3Z", "2020-1-1 1:2:3",
    "2020-01-01 1:2:03.5", "2020-01-01T10:00:00,5Z", "2020-01-01  10:00:0", "2020-1-1t01:02:3+01:00",
]

DOCUMENTS = [
    {}, {"a": None}, {"a": {}, "b": []}, {"a": [{}, [], None, "", {"b": {}}]}, {"b": 1, "a": 2, "B": 3, "_": 4, "10": 5, "9": 6, "\u00e9": 7},
    {"\ue000": 1, "\U00010000": 2, "\uffff": 3, "": 4, " ": 5},
    {"a": True, "b": False, "c": [True, [False]], "d": {"e": [None]}},
    {"i": 0, "j": -1, "k": 9223372036854775807, "l": -9223372036854775808, "m": [1588888888000, [1, [2, [3]]]]},
    {"f": 0.0, "g": -0.0, "h": 1.5, "i": 1e20, "j": 1e-5, "k": 1.25e-7, "l": 5e-324, "m": 1e16, "o": [1e15, 0.1]},
    {"a": [[["x", "u"], ["z"]], [{"k": ["v"], "l": [["w"]]}]]}, {"a": [{"b": 1, "c": [{"d": 2, "e": {"f": 3}}]}]},
    {"x" * 129: {"a": 1}, "y" * 129: ["a", {"b": "c"}], "a\nb": [], "c\nd": {}, "e\nf": [[1]], "g\nh": None},
    {"a": [{"x" * 129: {"y" * 129: ["a"]}}, {"k\nl": [{"m\nn": [["o"]]}]}]},
    {"a": {"b": {"c": {"d": {"e": {"f": {"g": LONG, "h": [LONG, "'" + LONG, "\t" + LONG]}}}}}}},
    {"artifact_location": "file:///d/mlruns/1", "creation_time": 1795436407309, "experiment_id": "1", "last_update_time": 1795436407309,
     "lifecycle_stage": "active", "name": "exp one", "tags": {"k": "v", "mlflow.note.content": "a\nb"}, "trace_location": None,
     "workspace": "default"},
]

FLOATS = [
    0.1, 100.0, 0.30000000000000004, 1e15, 9999999999999998.0, 1e16, 1.2345678901234567e19, 0.0001, 9.999999999999999e-05, 1e-05, 1.25e-07,
    5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e-10, 0.0, -0.0, 1.0, -1.0, 1e22, 1e23, 123456.789, math.inf, -math.inf,
    math.nan, 3.141592653589793, 2.5e100, 1e100, 4503599627370496.5, 2.0**53, 2.0**-1074, 0.5, 1 / 3,
]

NUMBER_TEXTS = [
    "1", "-1", "+1", "+-1", "--1", "1 ", " 1", "\t1\n", "\x0b\x0c\r1", "\x1c1", "\x1f1", "\u00a01\u2003", "\x1c\u0661", "\u0661\u0662", "\u0661.\u0665", "\uff11\uff12e\uff13",
    "\U0001d7ce\U0001d7d9\U0001d7e2\U0001d7eb\U0001d7f4\U0001d7ff", "\u00b2", "\u2460", "\u4e00", "\x851", "\u200b1", "1\ufeff", "1_000", "1__0", "_1", "1_", "-_1", "1_.5", "1._5", "1.5_5", "1e_5",
    "1e5_0", "1_e5", "1e1_0", "0_0", "007", "0x1f", "0b1", "0o7", "1d0", "1f", "1e", "e1", "1e+", "1e+05", "1E5", ".5", "5.", ".", "-.5", "+.5e-3", "5.e3",
    "inf", "-inf", "+inf", "Inf", "INFINITY", "-Infinity", "infinit", "infi", "nan", "-nan", "+NaN", "NAN", "nan1", "nan(1)", "in_f", "1e400", "-1e400", "1e-400", "-1e-400",
    "", " ", "-", "+", "1 2", "- 1", "1,5", "0x1p3", "True", "None", "1.0.0", "1\0", "\0", "1e99999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890", "-1_0000000000000000000_0", "00000000000000000000000000001", "0.1" + "0" * 50 + "1", "1" * 60, "+", "1_0_0", "1\u0661", "1_\u0661",
    "\u0661_\u0662", "\u0661__\u0662", "\u00a0", "1\u20282", "\u2212" + "1",
]

REPRS = [
    "", "a", "it's", "say \"x\"", "both ' and \"", "''", "\"", "\\", "a\\b", "\t\n\r", "\0\x01\x1f\x7f", "\x80\x9f\xa0\xad\xff", "\u00e9\u65e5", "\u200b\u2028\u2029\u3000\ufeff", "\ue000",
    "\ufffe\uffff", "\ufffd", "\U0001f600", "\U000e0001\U00010ffff", "e\u0301", "\u0378", "\u061c", "\u0600", "\u180e", "\u00a0", "\U0010ffff",
]


def attempt(function, text):
    try:
        return str(function(text)) if function is int else repr(function(text))
    except ValueError:
        return None


def kind(text):
    resolver = yaml.resolver.Resolver()
    return resolver.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]


def main():
    golden = {
        "strings": [{"s": s, "yaml": dump(places(s))} for s in STRINGS],
        "retyped": [{"s": s, "yaml": dump({"k": s})} for s in RETYPED],
        "documents": [{"doc": d, "yaml": dump(d)} for d in DOCUMENTS],
        "floats": [{"text": repr(f), "yaml": dump({"k": f})} for f in FLOATS],
        "numbers": [{"text": t, "float": attempt(float, t), "int": attempt(int, t)} for t in NUMBER_TEXTS],
        "reprs": [{"s": s, "repr": repr(s)} for s in REPRS],
        "list": {"items": REPRS, "repr": repr(REPRS)},
        "kinds": [{"text": s, "kind": kind(s)} for s in STRINGS + RETYPED if "\n" not in s],
    }
    out = ",\n".join(
        f"{json.dumps(name)}: " + (json.dumps(rows) if isinstance(rows, dict) else "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]")
        for name, rows in golden.items()
    )
    sys.stdout.write("{\n" + out + "\n}\n")


if __name__ == "__main__":
    main()
