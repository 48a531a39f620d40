"""An MMSC that speaks MM7 (3GPP TS 23.140) and forgives nothing.

What is wrong with a SubmitReq goes to `faults`, and is answered with a Fault; what is right becomes a Submission and is
answered with SubmitRsp 1000.
"""

import base64
import re
from email.header import decode_header, make_header
from email.parser import HeaderParser
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from gateway import fetch
from web import Answer, WebServer

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SCHEMA = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
# The elements of SubmitReq, in the order of the schema.
ORDER = ["MM7Version", "SenderIdentification", "Recipients", "ServiceCode", "LinkedID", "MessageClass", "TimeStamp",
         "ReplyCharging", "EarliestDeliveryTime", "ExpiryDate", "DeliveryReport", "ReadReply", "Priority", "Subject",
         "ChargedParty", "ChargedPartyID", "DistributionIndicator", "DeliveryCondition", "ApplicID", "ReplyApplicID",
         "AuxApplicInfo", "ContentClass", "DRMContent", "Content"]
IDENTIFICATION = ["VASPID", "VASID", "SenderAddress"]
REQUIRED = ["MM7Version", "SenderIdentification", "Recipients", "Content"]


class Wrong(Exception):
    """A SubmitReq that a strict MMSC refuses."""


def check(right, words):
    if not right:
        raise Wrong(words)


# MIME (RFC 2046, RFC 2387), by the letter

class Entity:
    """A MIME entity: header, and the bytes after the blank line."""

    def __init__(self, data):
        head, blank, self.body = data.partition(b"\r\n\r\n")
        check(blank, "a part without a blank line")
        check(all(len(line) <= 998 for line in head.split(b"\r\n")), "a header line above 998 bytes")
        check(re.fullmatch(rb"[\x20-\x7e\t\r\n]*", head) and b"\n" not in head.replace(b"\r\n", b""), "a header not in ASCII")
        self.header = HeaderParser().parsestr(head.decode("ascii") + "\r\n\r\n")
        for name in ("Content-Type", "Content-ID", "Content-Transfer-Encoding"):
            check(len(self.header.get_all(name, [])) <= 1, f"{name} twice")
        check("Content-Type" in self.header, "a part without Content-Type")
        self.type = self.header.get_content_type()

    def parameter(self, name):
        return self.header.get_param(name)

    @property
    def id(self):
        value = self.header.get("Content-ID")
        if value is None:
            return None
        check(re.fullmatch(r"<[^<>\s]+>", value), f"Content-ID {value!r}")
        return value[1:-1]

    @property
    def location(self):
        return self.header.get("Content-Location")

    @property
    def content(self):
        """The body without its transfer encoding."""
        # HTTP is transparent, so nothing said is binary (RFC 9112 appendix B.5)
        encoding = self.header.get("Content-Transfer-Encoding", "binary").lower()
        if encoding == "base64":
            lines = self.body.split(b"\r\n")
            check(all(len(line) <= 76 for line in lines), "a base64 line above 76 bytes")
            try:
                return base64.b64decode(b"".join(lines), validate=True)
            except ValueError as bad:
                raise Wrong(f"base64: {bad}") from None
        check(encoding in ("7bit", "8bit", "binary"), f"encoding {encoding}")
        check(encoding != "7bit" or self.body.isascii(), "8 bit data that are said to be 7bit")
        return self.body

    def parts(self):
        """Those of a multipart/related, whose start is the first."""
        check(self.type == "multipart/related", f"{self.type} instead of multipart/related")
        boundary = self.parameter("boundary")
        check(boundary and re.fullmatch(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", boundary),
              f"boundary {boundary!r}")
        delimiter = b"--" + boundary.encode()
        data = b"\r\n" + self.body
        sections = data.split(b"\r\n" + delimiter)
        check(sections[0] == b"", "a preamble")
        check(sections[-1] in (b"--", b"--\r\n"), "no closing boundary at the end")
        parts = []
        for section in sections[1:-1]:
            check(section.startswith(b"\r\n"), "a boundary within a part")
            parts.append(Entity(section[2:]))
        check(parts, "no parts")
        ids = [part.id for part in parts if part.id is not None]
        check(len(ids) == len(set(ids)), "a Content-ID twice")
        start = self.parameter("start")
        check(start is None or start == f"<{parts[0].id}>", f"start {start!r} is not the first part, {parts[0].id!r}")
        check(self.parameter("type") == parts[0].type, f"type {self.parameter('type')!r}, but {parts[0].type} comes first")
        return parts


# What was submitted

def local(element):
    return element.tag.rpartition("}")[2]


def child(element, *path):
    for name in path:
        element = next((e for e in element if local(e) == name), None) if element is not None else None
    return element


def text_of(element, *path):
    found = child(element, *path)
    return None if found is None else found.text or ""


class Submission:
    """The parts of a SubmitReq: subject, text and media [(type, bytes)]."""

    def __init__(self, request):
        check(request.method == "POST", request.method)
        check(request.headers.get("soapaction") == '""', "SOAPAction")
        check("mime-version" not in request.headers or request.headers["mime-version"] == "1.0", "MIME-Version")
        kind = request.headers.get("content-type", "")
        check("\r" not in kind and "\n" not in kind, "a folded Content-Type")
        outer = Entity(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
        check(outer.parameter("type") == "text/xml", "type of the request")
        check(outer.parameter("start") is not None, "no start")
        parts = outer.parts()
        check(len(parts) == 2, f"{len(parts)} parts instead of envelope and content")
        self._envelope(parts[0])
        check(self.content_href == "cid:" + str(parts[1].id), f"Content refers to {self.content_href}, not {parts[1].id}")
        self._content(parts[1])

    def _envelope(self, part):
        check(part.type == "text/xml" and (part.parameter("charset") or "").lower() == "utf-8", "the envelope's type")
        try:
            envelope = ET.fromstring(part.content)
        except ET.ParseError as bad:
            raise Wrong(f"envelope: {bad}") from None
        check(envelope.tag == f"{{{ENVELOPE}}}Envelope", envelope.tag)
        check([local(e) for e in envelope] == ["Header", "Body"], "Header and Body")
        header, body = envelope
        check(len(header) == 1 and local(header[0]) == "TransactionID", "TransactionID")
        check(header[0].get(f"{{{ENVELOPE}}}mustUnderstand") == "1", "mustUnderstand")
        self.transaction = header[0].text
        check(self.transaction, "an empty TransactionID")
        check(len(body) == 1 and local(body[0]) == "SubmitReq", "SubmitReq")
        self._submit(body[0])
        self.namespace = body[0].tag[1:].partition("}")[0]
        check(self.namespace.startswith(SCHEMA), self.namespace)
        check(header[0].tag == f"{{{self.namespace}}}TransactionID", "TransactionID of another namespace")
        check(all(e.tag.startswith(f"{{{self.namespace}}}") for e in body[0].iter()), "elements of another namespace")

    def _submit(self, submit):
        names = [local(e) for e in submit]
        check(all(name in ORDER for name in names), f"unknown elements in {names}")
        places = [ORDER.index(name) for name in names]
        check(places == sorted(set(places)), f"order {names}")
        check(all(name in names for name in REQUIRED), f"{names} without one of {REQUIRED}")
        self.elements = names
        identification = [local(e) for e in child(submit, "SenderIdentification")]
        check(identification == [n for n in IDENTIFICATION if n in identification], f"order {identification}")
        self.version = text_of(submit, "MM7Version")
        self.vasp, self.vas = (text_of(submit, "SenderIdentification", n) for n in IDENTIFICATION[:2])
        sender = child(submit, "SenderIdentification", "SenderAddress")
        check(sender is None or [local(e) in ("ShortCode", "Number") for e in sender] == [True], "SenderAddress")
        self.sender = None if sender is None else (local(sender[0]), sender[0].text)
        recipients = child(submit, "Recipients")
        check([local(e) for e in recipients] == ["To"] and [local(e) for e in recipients[0]] == ["Number"], "Recipients")
        self.recipient = recipients[0][0].text
        self.service_code = text_of(submit, "ServiceCode")
        self.wants_report = text_of(submit, "DeliveryReport") == "true"
        self.expires = text_of(submit, "ExpiryDate")
        self.subject = text_of(submit, "Subject")
        content = child(submit, "Content")
        check(content.get("allowAdaptations") in (None, "true", "false") and len(content) == 0, "Content")
        self.content_href = content.get("href")

    def _content(self, entity):
        parts = entity.parts()
        check(parts[0].type == "application/smil", f"{parts[0].type} instead of SMIL")
        others, names = parts[1:], {}
        for part in others:
            check(part.id is not None or part.location is not None, "a part that nothing can refer to")
            names.update({"cid:" + part.id: part} if part.id else {})
            names.update({part.location: part} if part.location else {})
        try:
            smil = ET.fromstring(parts[0].content)
        except ET.ParseError as bad:
            raise Wrong(f"SMIL: {bad}") from None
        check(local(smil) == "smil" and [local(e) for e in smil] == ["head", "body"], "SMIL without head and body")
        shown = []
        for element in smil.iter():
            source = element.get("src")
            if source is not None:
                check(local(element) in ("text", "img", "audio", "video", "ref"), f"SMIL {local(element)}")
                check(source in names, f"SMIL refers to {source}, which is not there")
                part = names[source]
                family = {"text": ("text",), "img": ("image",), "audio": ("audio",), "video": ("video",)}
                check(part.type.partition("/")[0] in family.get(local(element), (part.type.partition("/")[0],)),
                      f"{part.type} shown as {local(element)}")
                shown.append(part)
        missing = [p.type for p in others if p not in shown and p.type.partition("/")[0] in ("image", "audio", "video")]
        check(not missing, f"SMIL does not show {missing}")
        texts = [p for p in others if p.type == "text/plain"]
        check(len(texts) <= 1, "two texts")
        check(all((p.parameter("charset") or "").lower() == "utf-8" for p in texts), "a text not in UTF-8")
        self.text = texts[0].content.decode("utf-8") if texts else ""
        self.media = [(p.type, p.content) for p in others if p.type != "text/plain"]
        subject = entity.header.get("Subject")
        self.inner_subject = None if subject is None else str(make_header(decode_header(subject)))


# Answers

def soap(transaction, body, namespace):
    return ('<?xml version="1.0" encoding="utf-8"?>'
            f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Header>'
            f'<TransactionID xmlns="{namespace}" soap:mustUnderstand="1">{escape(transaction)}</TransactionID>'
            f'</soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>')


def status(code, text, detail=None):
    more = f"<Details>{escape(detail)}</Details>" if detail else ""
    return f"<Status><StatusCode>{code}</StatusCode><StatusText>{escape(text)}</StatusText>{more}</Status>"


class Soap(Answer):
    """An answer whose body is a function of namespace and request, in an envelope."""

    def __init__(self, body, status=200, namespace=None, **arguments):
        self.soap_body, self.namespace = body, namespace
        super().__init__(status, self._envelope, type="text/xml; charset=utf-8", **arguments)

    def _envelope(self, request):
        # some answer in a namespace of their own
        namespace = self.namespace or getattr(request, "namespace", SCHEMA + "REL-6-MM7-1-4")
        return soap(getattr(request, "transaction", ""), self.soap_body(namespace, request), namespace)


def submit_rsp(code=1000, text="Success", **arguments):
    """SubmitRsp with MessageID m-TRANSACTION where the code is one of success."""
    def body(namespace, request):
        message = f"<MessageID>m-{escape(request.transaction)}</MessageID>" if code // 1000 == 1 else ""
        return (f'<SubmitRsp xmlns="{namespace}"><MM7Version>6.8.0</MM7Version>{status(code, text)}{message}</SubmitRsp>')
    return Soap(body, **arguments)


def rs_error(code, text="scripted", http=200, **arguments):
    """A Fault with RSErrorRsp, which some MMSCs send with 500."""
    def body(namespace, _request):
        return ('<soap:Fault><faultcode>soap:Client</faultcode><faultstring>scripted</faultstring><detail>'
                f'<RSErrorRsp xmlns="{namespace}"><MM7Version>6.8.0</MM7Version>{status(code, text)}</RSErrorRsp>'
                '</detail></soap:Fault>')
    return Soap(body, status=http, **arguments)


class Mmsc(WebServer):
    """user and password: Basic authorization that is asked for."""

    def __init__(self, scene, *, user="vasp", password="sesame", name="mmsc"):
        super().__init__(scene, name, default=submit_rsp())
        self.user, self.password = user, password
        self.submissions = []
        self._reported = 0

    def section(self, **keys):
        """Of laterd.conf."""
        return {"driver": "mm7", "kinds": ["mms"], "url": self.url + "/mm7", "user": self.user,
                "secret_file": self.scene.secret(self.password), "sender": "1234", "vasp_id": "laterd", "vas_id": "mms",
                "timeout": 3, **keys}

    def taken(self, request):
        expected = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.authorized = request.headers.get("authorization") == "Basic " + expected
        request.submission = None
        request.transaction, request.refusal = "", None
        try:
            request.submission = Submission(request)
        except (Wrong, UnicodeDecodeError) as bad:
            self.faults.append(str(bad))
            request.refusal = str(bad)
            return
        request.transaction, request.namespace = request.submission.transaction, request.submission.namespace

    def choose(self, request):
        planned = super().choose(request)
        return planned if planned is not self.default else _Judge(self, planned)

    def wait_submissions(self, count, timeout=20):
        self.wait_requests(count, timeout)
        assert not self.faults, self.faults
        return list(self.submissions)

    # Delivery reports

    def report(self, url, message_id, mm_status="Retrieved", recipient="+4917012345678", sender="1234", code=1000):
        """Send a DeliveryReportReq to url, and check that it is answered as TS 23.140 wants.  The HTTP status."""
        self._reported += 1
        transaction = f"report-{self._reported}"
        namespace = SCHEMA + "REL-6-MM7-1-4"
        body = (f'<DeliveryReportReq xmlns="{namespace}"><MM7Version>6.8.0</MM7Version>'
                f'<MessageID>{escape(message_id)}</MessageID>'
                f'<Recipient><Number>{escape(recipient)}</Number></Recipient><Sender><Number>{escape(sender)}</Number></Sender>'
                f'<Date>2026-11-22T12:00:00Z</Date><MMStatus>{mm_status}</MMStatus></DeliveryReportReq>')
        http, answer = fetch(url, soap(transaction, body, namespace), type="text/xml; charset=utf-8")
        if http == 200:
            envelope = ET.fromstring(answer)
            assert child(envelope, "Header", "TransactionID").text == transaction, answer
            response = child(envelope, "Body", "DeliveryReportRsp")
            assert response is not None, answer
            assert text_of(response, "Status", "StatusCode") == str(code), answer
            assert text_of(response, "MM7Version"), answer
        return http


class _Judge(Answer):
    """The answer of an MMSC that nothing was scripted for."""

    def __init__(self, mmsc, good):
        super().__init__()
        self.mmsc, self.good = mmsc, good

    async def act(self, request, writer):
        if not request.authorized:
            answer = Answer(401, "who are you", headers=[("WWW-Authenticate", 'Basic realm="mmsc"')])
        elif request.refusal:
            answer = rs_error(4004, request.refusal)
        else:
            self.mmsc.submissions.append(request.submission)
            answer = self.good
        return await answer.act(request, writer)
