"""What a page in Prometheus' text format (version 0.0.4) must be, as `promtool check metrics` sees it and a little stricter.

    python3 metrics_lint.py < page        each fault with its line; exit 1 when there is one
    lint(text) -> ["line 3: ..."]         for tests
    Page(text).value("name", label="x")   what a sample says
"""

import math
import re
import sys

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")    # a colon belongs to recording rules
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|[+-]?Inf")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")
PARTS = ("_bucket", "_sum", "_count")
UNITS = {
    "milliseconds": "seconds", "microseconds": "seconds", "nanoseconds": "seconds", "minutes": "seconds", "hours": "seconds",
    "days": "seconds", "ms": "seconds", "us": "seconds", "ns": "seconds", "sec": "seconds", "secs": "seconds",
    "kilobytes": "bytes", "megabytes": "bytes", "gigabytes": "bytes", "kibibytes": "bytes", "mebibytes": "bytes",
    "kb": "bytes", "mb": "bytes", "gb": "bytes", "bits": "bytes", "percent": "ratio", "percents": "ratio",
    "celcius": "celsius", "fahrenheit": "celsius",
}


class Fault(Exception):
    """A line that cannot be read."""


class Family:
    def __init__(self, name):
        self.name, self.help, self.type = name, None, None
        self.closed = False         # another family has begun
        self.samples = []           # (line, suffix, labels, value)


def unescape(text, allowed):
    r"""Text with \\, \n and, in a label, \" in it."""
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
            if i == len(text) or text[i] not in allowed:
                raise Fault("a backslash that escapes nothing")
            out.append("\n" if text[i] == "n" else text[i])
        else:
            out.append(text[i])
        i += 1
    return "".join(out)


def split_labels(text):
    """name="value",... up to the closing brace: the labels in their order, and what follows."""
    labels = []
    while not text.startswith("}"):
        found = re.match(r'([^=,{}"\s]+)="((?:[^"\\]|\\.)*)"(,?)', text)
        if not found or not LABEL.fullmatch(found[1]):
            raise Fault("labels that cannot be read")
        labels.append((found[1], unescape(found[2], '\\n"')))
        text = text[found.end():]
        if not found[3] and not text.startswith("}"):
            raise Fault("labels that cannot be read")
    return labels, text[1:]


def split_sample(line):
    found = re.match(r"[^\s{]+", line)
    if not found or not NAME.fullmatch(found[0]):
        raise Fault("not a metric's name")
    name, rest, labels = found[0], line[found.end():], []
    if rest.startswith("{"):
        labels, rest = split_labels(rest[1:])
    words = rest.split(" ")
    if words[0] != "" or len(words) not in (2, 3):
        raise Fault("not one space and a value after the series")
    if not NUMBER.fullmatch(words[1]):
        raise Fault(f"“{words[1]}” is no number")
    if len(words) == 3 and not re.fullmatch(r"-?\d+", words[2]):
        raise Fault(f"“{words[2]}” is no timestamp")
    return name, labels, float(words[1])


class Page:
    def __init__(self, text):
        self.problems = []
        self.families = {}
        self.series = {}            # (name, sorted labels): value
        self._current = None
        self._read(text)
        for family in self.families.values():
            self._check_family(family)

    def value(self, name, **labels):
        """Of one series; KeyError when there is none."""
        return self.series[name, tuple(sorted(labels.items()))]

    def total(self, name, **labels):
        """The sum over all series of that name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (known, have), value in self.series.items() if known == name and wanted <= set(have))

    # -- Lines

    def _wrong(self, line, words):
        self.problems.append(f"line {line}: {words}" if line else words)

    def _read(self, text):
        if isinstance(text, bytes):
            try:
                text = text.decode("utf-8")
            except UnicodeDecodeError as bad:
                self._wrong(text.count(b"\n", 0, bad.start) + 1, "not UTF-8")
                return
        if text and not text.endswith("\n"):
            self._wrong(text.count("\n") + 1, "no line end at the end of the page")
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            try:
                self._line(number, line)
            except Fault as fault:
                self._wrong(number, str(fault))
        if not self.series:
            self._wrong(0, "no samples")

    def _line(self, number, line):
        if "\r" in line:
            raise Fault("a carriage return")
        if line.startswith("#"):
            self._comment(number, line)
        elif line.strip() == "":
            pass
        else:
            self._sample(number, line)

    def _begin(self, name):
        """The family that lines from here on belong to."""
        family = self.families.setdefault(name, Family(name))
        if self._current is not None and self._current is not family:
            self._current.closed = True
        if family.closed:
            family.closed = False
            raise Fault(f"{name} again: the lines of a family must stand together")
        self._current = family
        return family

    def _comment(self, number, line):
        words = line.split(" ", 3)
        if len(words) < 2 or words[0] != "#" or words[1] not in ("HELP", "TYPE"):
            return
        kind = words[1]
        if len(words) < 3 or not NAME.fullmatch(words[2]):
            raise Fault(f"{kind} without a metric's name")
        family, rest = self._begin(words[2]), words[3] if len(words) > 3 else ""
        if family.samples:
            self._wrong(number, f"{kind} of {family.name} after its samples")
        if kind == "HELP":
            if family.help is not None:
                self._wrong(number, f"a second HELP of {family.name}")
            family.help = unescape(rest, "\\n")
            if not family.help.strip():
                self._wrong(number, f"an empty HELP of {family.name}")
        else:
            if family.type is not None:
                self._wrong(number, f"a second TYPE of {family.name}")
            family.type = rest
            if rest not in TYPES:
                self._wrong(number, f"“{rest}” is no type")

    def _family_of(self, name):
        """Which family a sample belongs to, and its part of it."""
        for suffix in PARTS:
            base = self.families.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
            if base is not None and (base.type == "histogram" or base.type == "summary" and suffix != "_bucket"):
                return base.name, suffix
        return name, ""

    def _sample(self, number, line):
        name, labels, value = split_sample(line)
        base, suffix = self._family_of(name)
        if base not in self.families:
            self._wrong(number, f"{name} has no HELP and no TYPE")
        family = self._begin(base)
        family.samples.append((number, suffix, labels, value))
        names = [label for label, _ in labels]
        if len(set(names)) < len(names):
            self._wrong(number, "a label twice")
        for label in names:
            if label.startswith("__"):
                self._wrong(number, f"the label {label} is reserved")
            elif re.search("[a-z][A-Z]", label):
                self._wrong(number, f"the label {label} is not in snake_case")
        series = name, tuple(sorted(labels))
        if series in self.series:
            self._wrong(number, f"{name} with these labels again")
        self.series[series] = value

    # -- Families

    def _check_family(self, family):
        line = family.samples[0][0] if family.samples else 0
        self._check_name(family, line)
        if family.samples and (family.help is None) != (family.type is None):
            self._wrong(line, f"{family.name} has no {'HELP' if family.help is None else 'TYPE'}")
        own = {"histogram": "le", "summary": "quantile"}.get(family.type)
        names = None
        for number, _, labels, _ in family.samples:
            these = sorted(label for label, _ in labels if label != own)
            for label in set(these) & {"le", "quantile"}:
                self._wrong(number, f"the label {label} in a {family.type or 'sample without type'}")
            if names is not None and these != names:
                self._wrong(number, f"other labels than the first sample of {family.name} has")
            names = these if names is None else names
        if family.type == "counter":
            for number, _, _, value in family.samples:
                if not value >= 0:
                    self._wrong(number, f"the counter {family.name} is {value}")
        if family.type == "histogram":
            self._check_histogram(family)

    def _check_name(self, family, line):
        name, words = family.name, family.name.split("_")
        if family.type == "counter" and not name.endswith("_total"):
            self._wrong(line, f"the counter {name} does not end in _total")
        if family.type != "counter" and name.endswith("_total"):
            self._wrong(line, f"{name} ends in _total and is no counter")
        if family.type not in ("histogram", "summary") and name.endswith(PARTS):
            self._wrong(line, f"{name} ends like a part of a histogram")
        for word in words:
            if word in UNITS:
                self._wrong(line, f"{name}: {word} is no base unit; use {UNITS[word]}")
            if word == family.type:
                self._wrong(line, f"{name} has its type in its name")
        last = name.removesuffix("_total").split("_")[-1]
        for unit in {"seconds", "bytes"} & set(words):
            if unit != last:
                self._wrong(line, f"{name}: the unit {unit} does not stand at the end")
        if re.search("[a-z][A-Z]", name):
            self._wrong(line, f"{name} is not in snake_case")

    def _check_histogram(self, family):
        groups = {}
        last = None
        for number, suffix, labels, value in family.samples:
            key = tuple(sorted(pair for pair in labels if pair[0] != "le"))
            if key in groups and key != last:
                self._wrong(number, f"the parts of one histogram of {family.name} do not stand together")
            last = key
            groups.setdefault(key, []).append((number, suffix, dict(labels), value))
        for parts in groups.values():
            self._check_one_histogram(family.name, parts)

    def _check_one_histogram(self, name, parts):
        line = parts[0][0]
        buckets = [part for part in parts if part[1] == "_bucket"]
        single = {suffix: [p[3] for p in parts if p[1] == suffix] for suffix in ("_sum", "_count")}
        for suffix, values in single.items():
            if not values:
                self._wrong(line, f"{name} without {suffix}")
        if any(suffix == "" for _, suffix, _, _ in parts):
            self._wrong(line, f"{name} itself is no sample of a histogram")
        before, below = -math.inf, 0
        for number, _, labels, value in buckets:
            le = labels.get("le", "")
            bound = float(le) if NUMBER.fullmatch(le) else math.nan
            if not bound > before:
                self._wrong(number, f"{name}: le=\"{le}\" is not greater than the one before")
            if not value >= below or value != int(value):
                self._wrong(number, f"{name}: the bucket is no whole number, or smaller than the one before")
            before, below = bound, value
        if not buckets or before != math.inf:
            self._wrong(line, f"{name} without a last bucket le=\"+Inf\"")
        elif single["_count"] and single["_count"][0] != below:
            self._wrong(line, f"{name}: _count is {single['_count'][0]:g}, and the bucket +Inf {below:g}")
        if any("le" in labels for _, suffix, labels, _ in parts if suffix != "_bucket"):
            self._wrong(line, f"{name}: le belongs to buckets only")


def lint(text):
    return Page(text).problems


def main():
    problems = lint(sys.stdin.buffer.read())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
