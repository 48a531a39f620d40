"""A provider's HTTP interface, scripted: it takes JSON, forms or queries and counts what it gets by packet."""

import json
import urllib.error
import urllib.request
from collections import Counter
from urllib.parse import parse_qsl, urlencode

from web import Answer, WebServer


class Gateway(WebServer):
    """Takes fields to, from, text and ref (the packet's id), by any of the three encodings.

    The default answer is 200 {"data": {"id": "g-REF"}, "status": "ok"}.
    """

    def __init__(self, scene, name="gateway", *, latency=0.0, tls=None):
        self.token = "token of " + name
        super().__init__(scene, name, default=self.ok(delay=latency), tls=tls)

    def section(self, **keys):
        """Of laterd.conf: JSON, nothing that could tell a repetition, reports as forms."""
        body = '{"to": "{to}", "from": "{from}", "text": "{text}", "ref": "{id}", "report": "{dlr_url}"}'
        return {"driver": "http", "kinds": ["sms"], "url": self.url + "/send", "method": "POST", "auth": "bearer",
                "secret_file": self.scene.secret(self.token), "sender": "1234", "encode": "json", "body": body,
                "id_path": "data.id", "err_path": "error.message", "code_path": "error.code", "timeout": 2,
                "report": "form", "report_id": "id", "report_state": "status", "report_words": "reason",
                "report_map": ["DELIVRD=delivered", "UNDELIV=failed", "ENROUTE=taken"], **keys}

    @staticmethod
    def ok(**arguments):
        return Answer(200, lambda request: json.dumps({"data": {"id": "g-" + request.submission.get("ref", "")},
                                                       "status": "ok"}), type="application/json", **arguments)

    @staticmethod
    def error(status, code="", **arguments):
        return Answer(status, json.dumps({"error": {"code": code, "message": f"scripted {status}"}}),
                      type="application/json", **arguments)

    def taken(self, request):
        kind = request.headers.get("content-type", "").partition(";")[0]
        try:
            if not request.body:
                request.submission = dict(request.query)
            elif kind == "application/json":
                request.submission = json.loads(request.body.decode("utf-8"))
            elif kind == "application/x-www-form-urlencoded":
                request.submission = dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True,
                                                    strict_parsing=True, errors="strict"))
            else:
                raise ValueError(f"Content-Type {kind!r}")
        except ValueError as bad:
            self.faults.append(f"{request}: {bad}")
            request.submission = {}

    @property
    def counts(self):
        """{packet: requests}; None stands for those that were not read to their end."""
        return Counter(request.submission.get("ref") if request.whole else None for request in self.requests.items)

    def submissions(self):
        return [request.submission for request in self.requests.items if request.whole]

    def wait_packet(self, packet, times=1, timeout=10):
        """The requests for this packet, as soon as there are so many."""
        def found(seen):
            mine = [r for r in seen if r.whole and r.submission.get("ref") == packet]
            return mine if len(mine) >= times else None
        return self.requests.wait(found, f"{times} requests for {packet} to {self.name}", timeout)


def fetch(url, data=None, type="application/x-www-form-urlencoded", method=None):
    """(status, body) of one request, whatever the status."""
    if isinstance(data, dict):
        data = urlencode(data)
    request = urllib.request.Request(url, data.encode() if isinstance(data, str) else data, method=method)
    if data is not None:
        request.add_header("Content-Type", type)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
