"""What the documents say of the source is true of it."""

import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)
LINTER = os.path.join(ROOT, "tests", "doap_lint.py")
sys.path.insert(0, os.path.dirname(LINTER))
from doap_lint import lint, sources     # noqa: E402

XEP = """<implements xmlns="http://usefulinc.com/ns/doap#"><x:SupportedXep xmlns:x="https://linkmauve.fr/ns/xmpp-doap#"
 xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><x:xep r:resource="https://xmpp.org/extensions/xep-{}.html"/>
 <x:version>{}</x:version><x:status>{}</x:status></x:SupportedXep></implements>"""
# What stands in a log line for something else.
NAMES = re.compile(r"…|send as its users|write rosters|Connection refused|internal-server-error|/seal\.key:?|\d+|"
                   r"\S*127\.0\.0\.1\S*|\S*example\.org|\S*/var/lib/\S*|\b[A-Z]{2,}\b(?::LINE)?")


@pytest.fixture
def copy(tmp_path):
    """A root with this text in a file of the source, and another DOAP."""
    def make(source, change):
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "all.c").write_text("\n".join(sources(ROOT)) + source, encoding="utf-8")
        (tmp_path / "doc").mkdir()
        with open(os.path.join(ROOT, "doc", "laterd.doap"), encoding="utf-8") as f:
            (tmp_path / "doc" / "laterd.doap").write_text(change(f.read()), encoding="utf-8")
        return str(tmp_path)
    return make


def test_the_doap_lists_what_the_source_has():
    run = subprocess.run([sys.executable, LINTER], stdout=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("source, change, fault", [
    ('"urn:xmpp:mam:2"', str, "urn:xmpp:mam:2: which XEP is it of?"),
    ("/* XEP-0313 */", str, "XEP-0313: used, and not listed"),
    ("", lambda doap: doap.replace("xep-0199.html", "xep-0198.html"), "XEP-0199: used, and not listed"),
    ("", lambda doap: doap.replace("  </Project>", XEP.format("0999", "1.0", "complete") + "</Project>"),
     "XEP-0999: listed, and not used"),
    ("", lambda doap: doap.replace("  </Project>", XEP.format("0999", "new", "complete") + "</Project>"),
     "XEP-0999: new is no version"),
    ("", lambda doap: doap.replace("  </Project>", XEP.format("0999", "1.0", "great") + "</Project>"),
     "XEP-0999: no such status as great"),
])
def test_a_doap_that_is_wrong_is_noticed(copy, source, change, fault):
    assert fault in lint(copy(source, change))


def said():
    """All that laterd says, with adjacent literals as the compiler joins them."""
    text = re.sub(r'"\s*(?:PRI\w+\s*)?"', "", "\n".join(sources(ROOT)))
    return text.replace('\\"', '"')


def quoted(section):
    """The code spans in the first column of this section's tables in doc/operators.md."""
    with open(os.path.join(ROOT, "doc", "operators.md"), encoding="utf-8") as f:
        text = f.read().split(f"\n## {section}\n")[1].split("\n## ")[0]
    for row in re.findall(r"^\| (.*?) \|", text, re.MULTILINE):
        yield from re.findall(r"`([^`]+)`", row)


def test_log_lines_in_the_operators_manual_are_those_of_the_source():
    source, looked_at = said(), 0
    for line in quoted("Troubleshooting"):
        for part in NAMES.split(line):
            if len(part.strip()) >= 12:
                looked_at += 1
                assert part.strip() in source, f"{part.strip()!r} of {line!r}"
    assert looked_at > 25


def test_metrics_in_the_documents_exist():
    source = said()
    for name in ("operators.md", "laterd.8"):
        with open(os.path.join(ROOT, "doc", name), encoding="utf-8") as f:
            metrics = set(re.findall(r"\blaterd_[a-z_]+\b", f.read()))
        assert metrics and all(f'"{metric}"' in source for metric in metrics), metrics
