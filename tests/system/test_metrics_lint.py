"""The linter of /metrics sees what it is there for."""

import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
LINTER = os.path.join(HERE, os.pardir, "metrics_lint.py")
sys.path.insert(0, os.path.dirname(LINTER))
from metrics_lint import Page, lint     # noqa: E402

GOOD = r"""# HELP a_total How many, with \\ and \n in it.
# TYPE a_total counter
a_total{kind="im",state="sent"} 3
a_total{kind="sms",state="a \"b\" \\ c\nd, {e} ü"} 0

# a remark
# HELP b_bytes How large.
# TYPE b_bytes gauge
b_bytes 1.5e+06
# HELP c_seconds How long.
# TYPE c_seconds histogram
c_seconds_bucket{gateway="x",le="0.5"} 1
c_seconds_bucket{gateway="x",le="1"} 1
c_seconds_bucket{gateway="x",le="+Inf"} 4
c_seconds_sum{gateway="x"} 12.25
c_seconds_count{gateway="x"} 4
c_seconds_bucket{gateway="y",le="0.5"} 0
c_seconds_bucket{gateway="y",le="1"} 0
c_seconds_bucket{gateway="y",le="+Inf"} 0
c_seconds_sum{gateway="y"} 0
c_seconds_count{gateway="y"} 0
# HELP d_info What it is.
# TYPE d_info gauge
d_info{version="0.1"} 1
# HELP e_total Nothing yet.
# TYPE e_total counter
# HELP f A number that may be anything.
# TYPE f gauge
f -Inf
# HELP process_cpu_seconds_total Time.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 0.25
"""


def test_good_page_has_no_faults():
    assert lint(GOOD) == []
    assert lint(GOOD.encode()) == []


def test_values_are_found_by_name_and_labels():
    page = Page(GOOD)
    assert page.value("a_total", state="sent", kind="im") == 3
    assert page.value("a_total", kind="sms", state='a "b" \\ c\nd, {e} ü') == 0
    assert page.value("b_bytes") == 1.5e6
    assert page.value("c_seconds_bucket", gateway="x", le="+Inf") == 4
    assert page.total("c_seconds_count") == 4
    assert page.total("a_total", kind="im") == 3
    assert page.families["c_seconds"].type == "histogram"
    with pytest.raises(KeyError):
        page.value("a_total", kind="im")


def change(old, new, count=1):
    assert old in GOOD
    return GOOD.replace(old, new, count)


BAD = {
    "no help": (change("# HELP b_bytes How large.\n", ""), "has no HELP"),
    "no type": (change("# TYPE b_bytes gauge\n", ""), "has no TYPE"),
    "neither": (change("# HELP b_bytes How large.\n# TYPE b_bytes gauge\n", ""), "no HELP and no TYPE"),
    "empty help": (change("How large.", " "), "empty HELP"),
    "help twice": (change("# TYPE b_bytes", "# HELP b_bytes Again.\n# TYPE b_bytes"), "second HELP"),
    "type twice": (change("# TYPE b_bytes gauge\n", "# TYPE b_bytes gauge\n# TYPE b_bytes gauge\n"), "second TYPE"),
    "unknown type": (change("b_bytes gauge", "b_bytes number"), "is no type"),
    "type after samples": (change("# TYPE b_bytes gauge\nb_bytes 1.5e+06\n", "b_bytes 1.5e+06\n# TYPE b_bytes gauge\n"),
                           "after its samples"),
    "family torn apart": (change("d_info{", "a_total{kind=\"mms\",state=\"sent\"} 1\nd_info{"), "stand together"),
    "series twice": (change("b_bytes 1.5e+06\n", "b_bytes 1.5e+06\nb_bytes 1\n"), "again"),
    "series twice in another order": (change("a_total{kind=\"sms\"", "a_total{state=\"sent\",kind=\"im\"} 3\na_total{kind=\"sms\""),
                                      "again"),
    "label twice": (change("{kind=\"im\",state=\"sent\"}", "{kind=\"im\",kind=\"im\"}"), "a label twice"),
    "other labels": (change("{kind=\"im\",state=\"sent\"}", "{kind=\"im\"}"), "other labels"),
    "reserved label": (change("version=", "__version="), "reserved"),
    "bad label": (change("version=", "ver-sion="), "labels"),
    "label in camel case": (change("version=", "versionName="), "snake_case"),
    "unquoted label": (change('"0.1"', "0.1"), "labels"),
    "no comma": (change('"im",state', '"im" state'), "labels"),
    "open labels": (change('"0.1"}', '"0.1"'), "labels"),
    "unknown escape": (change(r"\\ c", r"\t c"), "escapes nothing"),
    "escape in help": (change(r"with \\", r"with \x"), "escapes nothing"),
    "bad name": (change("d_info{", "d-info{"), "not a metric's name"),
    "name with a colon": (change("f -Inf", "f:x -Inf"), "not a metric's name"),
    "camel case": (GOOD.replace("b_bytes", "bSize_bytes"), "snake_case"),
    "no value": (change("b_bytes 1.5e+06", "b_bytes"), "value"),
    "no number": (change("1.5e+06", "much"), "is no number"),
    "hex": (change("1.5e+06", "0x10"), "is no number"),
    "two spaces": (change("b_bytes 1", "b_bytes  1"), "is no number"),
    "bad timestamp": (change("1.5e+06", "1 now"), "no timestamp"),
    "counter without total": (GOOD.replace("a_total", "a"), "does not end in _total"),
    "gauge with total": (GOOD.replace("f -Inf", "f_total -Inf").replace("HELP f ", "HELP f_total ")
                         .replace("TYPE f ", "TYPE f_total "), "is no counter"),
    "gauge with count": (GOOD.replace("d_info", "d_count"), "part of a histogram"),
    "negative counter": (change('state="sent"} 3', 'state="sent"} -3'), "the counter"),
    "counter that is no number": (change('state="sent"} 3', 'state="sent"} NaN'), "the counter"),
    "milliseconds": (GOOD.replace("c_seconds", "c_ms"), "no base unit"),
    "megabytes": (GOOD.replace("b_bytes", "b_megabytes"), "no base unit"),
    "percent": (GOOD.replace("b_bytes", "b_percent"), "no base unit"),
    "unit in front": (GOOD.replace("b_bytes", "bytes_used"), "at the end"),
    "type in the name": (GOOD.replace("b_bytes", "b_gauge_bytes"), "type in its name"),
    "le in a gauge": (change("version=", "le="), "the label le"),
    "buckets in disorder": (change('le="0.5"} 1', 'le="2"} 1'), "not greater"),
    "bucket twice": (change('le="0.5"} 1\n', 'le="0.5"} 1\nc_seconds_bucket{gateway="x",le="0.50"} 1\n'), "not greater"),
    "bucket without le": (change('{gateway="x",le="0.5"}', '{gateway="x"}'), "not greater"),
    "not cumulative": (change('le="0.5"} 1', 'le="0.5"} 2'), "smaller than"),
    "half a bucket": (change('le="0.5"} 1', 'le="0.5"} 0.5'), "whole number"),
    "no last bucket": (change('c_seconds_bucket{gateway="x",le="+Inf"} 4\n', ""), "+Inf"),
    "no sum": (change('c_seconds_sum{gateway="x"} 12.25\n', ""), "without _sum"),
    "no count": (change('c_seconds_count{gateway="x"} 4\n', ""), "without _count"),
    "count and buckets differ": (change('c_seconds_count{gateway="x"} 4', 'c_seconds_count{gateway="x"} 5'), "_count is 5"),
    "le of a sum": (change('c_seconds_sum{gateway="x"}', 'c_seconds_sum{gateway="x",le="1"}'), "le belongs"),
    "histogram torn apart": (change('c_seconds_count{gateway="x"} 4\n', "")
                             .replace('c_seconds_count{gateway="y"} 0\n',
                                      'c_seconds_count{gateway="y"} 0\nc_seconds_count{gateway="x"} 4\n'), "stand together"),
    "sample of a histogram": (change('c_seconds_sum{gateway="x"}', 'c_seconds{gateway="x"}'), "itself is no sample"),
    "no line end": (GOOD[:-1], "no line end"),
    "carriage returns": (GOOD.replace("\n", "\r\n"), "carriage return"),
    "nothing": ("", "no samples"),
    "comments only": ("# HELP a_total A.\n# TYPE a_total counter\n", "no samples"),
    "a page of HTML": ("<html>\n<p>not found</p>\n</html>\n", "not a metric's name"),
    "not UTF-8": (GOOD.encode().replace(b"\xc3\xbc", b"\xfc"), "not UTF-8"),
}


@pytest.mark.parametrize("fault", BAD)
def test_fault_is_found(fault):
    text, words = BAD[fault]
    problems = lint(text)
    assert any(words in problem for problem in problems), problems


def test_fault_has_its_line():
    assert lint(change("b_bytes 1.5e+06", "b_bytes much"))[0].startswith("line 9: ")


def test_program_says_what_is_wrong_and_fails():
    good, bad = (subprocess.run([sys.executable, LINTER], input=text, text=True, capture_output=True, check=False)
                 for text in (GOOD, GOOD.replace("a_total", "a")))
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    assert bad.returncode == 1 and "does not end in _total" in bad.stdout and bad.stderr == ""
