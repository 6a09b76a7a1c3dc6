"""Credentials in texts: what they look like, and the text without them.

People paste keys into first prompts, and programs write them into names, paths and addresses. This
module takes them out and leaves `***` where they were. It errs on both sides on purpose: a form is
listed here when prose, branch names, digests and plain addresses do not have it.

Every rule takes time in proportion to the length of the text: repeats are bounded or eat what they
pass, so that no text makes a rule start over again and again.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from agentsview_assets.transforms.plain_words import reads_as_words
from agentsview_assets.transforms.text import to_bytes

RULES = "1"
"""Raised whenever a text would be cleaned differently: what landed by other rules lands anew."""

MARK = "***"
LOOKED_FOR = (
    "users with passwords in addresses, keys and tokens of well-known forms (Anthropic, OpenAI, "
    "GitHub, GitLab, AWS, Google, Slack, Stripe, npm, PyPI, Hugging Face, SendGrid and others), "
    "JSON web tokens, private keys, Authorization headers, and passwords, tokens and secrets that "
    "a value is assigned to"
)
"""What the rules find, for people."""

# Nothing but the limit of a title may follow: what was cut off is still a credential.
_LEAST_CUT = 8
"""Characters that have to be left of a cut-off key whose start words have, too."""
_CUT = r"(?=(?:\.\.\.|…)?\s{0,8}\Z)"
_APART = r"(?<![A-Za-z0-9])"


class _Form(NamedTuple):
    """Keys of one kind: text that each of them has, and the pattern of all of it."""

    text: str
    pattern: re.Pattern[str]
    has_digit: bool = False
    least: int = 0


def _form(start: str, body: str, least: int, *, apart: bool = False, digit: bool = False) -> _Form:
    """A start that says what it is, and so many characters, or the few before the text is cut."""
    cut = _LEAST_CUT if apart else 1
    rest = f"(?:{body}{{{least},}}|{body}{{{cut},{least - 1}}}{_CUT})"
    text = re.split(r"[\[(\\{?|]", start)[0]
    return _Form(text, re.compile((_APART if apart else "") + start + rest), digit, apart * least)


def _long(start: str, body: str, least: int) -> _Form:
    """A start that names of things have, too: what follows goes on for longer than a word."""
    pattern = f"{_APART}{re.escape(start)}{body}{{{least},}}"
    return _Form(start, re.compile(pattern), has_digit=True)


def _exactly(start: str, body: str, length: int) -> _Form:
    """A start that words have, too, and the characters that a key has behind it, no more."""
    return _Form(start, re.compile(f"{_APART}{start}{body}{{{length}}}(?!{body})"), has_digit=True)


_ANTHROPIC = ("api", "admin", "oat", "ort", "sid")
_AWS = ("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA")
_WORD, _DASHED, _DOTTED = "[A-Za-z0-9]", "[A-Za-z0-9_-]", "[A-Za-z0-9_.-]"
_FORMS = (
    *(_form(rf"sk-ant-{kind}\d\d-", _DASHED, 8) for kind in _ANTHROPIC),
    _form("sk-ant-", _DASHED, 8),
    *(
        _form(f"sk-{name}-", _DASHED, 16, apart=True, digit=True)
        for name in ("proj", "svcacct", "admin", "or", "lf", "service", "None")
    ),
    _form("sk-", _WORD, 20, apart=True, digit=True),
    *(_form(f"gh{kind}_", _WORD, 10) for kind in "pousr"),
    _form("github_pat_", "[A-Za-z0-9_]", 16),
    *(
        _form(f"{name}-", _DASHED, 16, apart=True)
        for name in (
            "glpat",
            "gldt",
            "glrt",
            "glcbt",
            "glptt",
            "glft",
            "glimt",
            "glagent",
            "glsoat",
            "glffct",
            "glwt",
        )
    ),
    _form("GR1348941", _DASHED, 16),
    *(_form(kind, "[A-Z0-9]", 16, apart=True) for kind in _AWS),
    *(_exactly(kind, "[a-z0-9]", 16) for kind in ("akia", "asia")),
    _form("AIza", _DASHED, 24),
    _form(r"ya29\.", _DOTTED, 10),
    _form("GOCSPX-", _DASHED, 16),
    _form("1//0", _DASHED, 24, apart=True, digit=True),
    *(_form(f"xox{kind}-", "[A-Za-z0-9.-]", 10) for kind in "abcdeprs"),
    _form("xapp-", "[A-Za-z0-9-]", 10, apart=True, digit=True),
    _form(r"hooks\.slack\.com/(?:services|workflows)/", "[A-Za-z0-9_/-]", 10),
    *(
        _form(f"{kind}k_{mode}_", "[A-Za-z0-9_]", 10, apart=True)
        for kind in "spr"
        for mode in ("live", "test")
    ),
    _form("whsec_", "[A-Za-z0-9+/=]", 16),
    _form("npm_", _WORD, 24, apart=True),
    _form("pypi-AgE", _DASHED, 10),
    _form("hf_", _WORD, 24, apart=True),
    _form(r"SG\.", _DOTTED, 24, apart=True, digit=True),
    _form("eyJ", "[A-Za-z0-9_.=-]", 16, apart=True),
    *(
        _form(start, _DASHED, 16, apart=True, digit=True)
        for start in (
            *("dop_v1_", "doo_v1_", "dor_v1_", "dapi", "shpat_", "shpca_", "shppa_", "shpss_"),
            *("sq0atp-", "sq0csp-", "sq0idp-", "lin_api_", "lin_oauth_", "glsa_", "sntrys_"),
            *("sntryu_", "PMAK-", "tskey-", "dckr_pat_", "figd_", "NRAK-", "sb_secret_", "HRKU-"),
            *("pscale_tkn_", "pscale_pw_", "AGE-SECRET-KEY-1", "ATATT3", "ATCTT3", "ATBB"),
            *("ops_eyJ", "key-", "SK", "EAAC"),
        )
    ),
    *(
        _long(start, _WORD, 20)
        for start in (
            *("secret_", "ntn_", "gsk_", "xai-", "r8_", "fw_", "glc_", "sbp_", "rubygems_"),
            *("vercel_", "rnd_", "tvly-", "tvly-dev-", "jina_", "pplx-"),
        )
    ),
    _long("nvapi-", _DASHED, 40),
    _form(r"hv[sbr]\.", _DASHED, 20, apart=True, digit=True),
    _form(r"dp\.[a-z]{2,8}\.", _DASHED, 16, apart=True, digit=True),
    _Form(":AA", re.compile(r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{30,}")),  # Telegram
    _Form(".", re.compile(r"(?<![\w.-])[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}"), has_digit=True),
)
_HEX_KEYS = frozenset({"key-", "SK", "dapi"})
"""Starts that words have, too: what follows has to be hexadecimal digits."""

_SURE = frozenset(
    {"AKIA", "akia", "hooks", "1//0", ":AA", ".", *(f"sk-ant-{kind}" for kind in _ANTHROPIC)}
)
"""Starts that nothing but a key has."""
_SURE_LENGTHS = {"ASIA": 16}
"""Lengths at which letters alone are a key."""
_LONGEST_NAME = 120
_ENOUGH = 30
"""Characters of both cases that need no digit among them to be a key."""

_AWS_ID = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_HEX = re.compile(r"[0-9A-Fa-f]+")

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")

_SCHEMES = "bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256"
_AUTHORIZATION = re.compile(
    rf"(authorization[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?)(?:((?:{_SCHEMES})\s{{1,3}})"
    r"([^\s\"']+)|([^\s\"']{12,}))",
    re.IGNORECASE,
)
_BEARER = re.compile(rf"({_APART}bearer\s{{1,3}})([A-Za-z0-9._~+/=-]{{16,}})", re.IGNORECASE)

_PASSWORDS = r"pass(?:word|wd|phrase|wort)|passwort"
_SECRETS = (
    r"secret|token|api[ _-]?key|access[_-]?key(?:[_-]?id)?|private[_-]?key|secret[_-]?key|"
    r"auth[_-]?key|account[_-]?key|shared[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?"
)
_ALONE = r"pwd|pass|pw|auth|jwt|pat|sig|signature"
_QUERY = r"key|code|session|sid|ticket|hash|sign|x-amz-[a-z-]{1,24}|x-goog-[a-z-]{1,24}"
_NAMES = (
    *("pass", "pwd", "pw", "secret", "token", "key", "credential", "auth", "jwt", "pat=", "sig"),
    *("code=", "session=", "sid=", "ticket=", "hash=", "x-amz-", "x-goog-"),
)
_VALUE = r"\"[^\"\n]*\"?|'[^'\n]*'?|(?:[^\s&]|&(?![\w.%-]{1,64}=))+"
_ASSIGNED = re.compile(
    rf"((?:{_PASSWORDS}|{_SECRETS}|{_APART}(?:{_ALONE})|(?<=[?&;])(?:{_QUERY}))"
    rf"[\"'\]]{{0,2}}\s{{0,3}}(?:=>|:=|=)(?![=~>])\s{{0,3}})({_VALUE})",
    re.IGNORECASE,
)
_IS_QUERY = re.compile(rf"(?:{_QUERY})=\Z")
_PLAIN_PARAMETER = re.compile(r"[0-9]{1,4}|[a-z]{1,12}")
_ARROW = re.compile(r"[a-z]\s*=>\s*\Z")
_DOTTED_NAME = re.compile(r"(?:[A-Za-z_]\w{0,32}\.)*([A-Za-z_]{1,32})[)\],;:.!?]*\Z")
_NOT_LETTERS = re.compile(r"[^a-z]+")
_TOLD = re.compile(
    rf"((?:({_PASSWORDS})|({_SECRETS}))([\"']?)\s{{0,3}}:\s{{0,3}})"
    r"(\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"']+)",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"((?:{_PASSWORDS}|{_SECRETS})[ \t]{{1,3}})(\"[^\"\n]*\"?|'[^'\n]*'?|[^\s-]\S+)",
    re.IGNORECASE,
)
_OPTION_NAME = re.compile(r"(?<!\S)--?[\w-]{0,24}\Z")
_CURL_USER = re.compile(
    r"((?<!\S)(?:-u|--user|-U|--proxy-user)(?:[ \t]{1,3}|=)[\"']?[^\s:\"']{1,128}:)([^\s\"']+)"
)
# What stands for a value that is kept elsewhere, or for none.
_NO_VALUE = re.compile(
    r"(?:\$\{?[A-Za-z_][A-Z0-9_]*\}?|\$\([^)]*\)|%[A-Z_]+%|<[A-Za-z_ -]*>|\{\{?[A-Za-z_ .-]*\}?\}|"
    r"\*+|\.{3}|…|none|null|nil|true|false|undefined|process\.env\.\w+|os\.environ\S*|"
    r"os\.getenv\S*|x{3,}|[A-Za-z_.]+\((?:[A-Za-z_.]*|''|\"\")\))?[\"')\],.;:!?]*",
    re.IGNORECASE,
)

_BETWEEN = re.compile(r"([\s\"<>`]+)")
_PORT = r"(?:\d{1,5}|\$\w{1,32}|\$?\{\w{1,32}\}|port|<port>)(?:[/?#]|$)"
_USER = r"[^/?#@:\[\\]*"
_IMAGE = re.compile(
    r"[\[(\"'`]?(?:docker|oci)://[\w.-]{1,64}:[\w.-]{1,64}@sha(?:256|512):[0-9a-f]{6,128}\W{0,3}\Z"
)
"""An image by its tag and its digest, in which no user stands."""
_USERINFO = re.compile(rf"(://)({_USER}):(?!{_PORT})[^/]*(?=@)", re.IGNORECASE)
_ENCODED_COLON = re.compile(r"(://)[^/?#@:]*%(?:25)*3a[^/@]*(?=@)", re.IGNORECASE)
_USER_ALONE = re.compile(r"(://)([^/?#@:]{12,})(?=@)")
_WITH_SLASH = re.compile(rf"(://)({_USER}):(?!{_PORT})(?:(?!://).)*(?=@)", re.IGNORECASE)
_DOTTED_HOST = r"(?:[\w-]+\.)+[A-Za-z][\w-]*"
_PORT_AND_SLASH = re.compile(
    rf"(://)(?!localhost:)[^/?#@:.\[\\]+:\d{{1,5}}/(?:(?!://).)*(?=@{_DOTTED_HOST}[/:])"
)
_CUT_OFF = re.compile(rf"(://)({_USER}):(?!{_PORT})(?!\d{{1,5}}$)[^@]+$", re.IGNORECASE)
_ENCODED = re.compile(
    r"((?::|%(?:25)*3a)(?:/|%(?:25)*2f){2})((?:(?!%(?:25)*2f)[^/&?#])*)(?=%(?:25)*40)",
    re.IGNORECASE,
)
_ENCODED_MARKS = re.compile(r"%(?:25)*40", re.IGNORECASE)
_HAS_COLON = re.compile(r":|%(?:25)*3a", re.IGNORECASE)
_NO_SCHEME = re.compile(
    r"(?<![\w.@/:%-])([A-Za-z][\w.-]{0,63}):([^\s:@/]{1,256})(?=@(?:localhost|" + _DOTTED_HOST +
    r")[:/]\S)"
)  # fmt: skip
_NO_USERS = frozenset(
    {
        *("mailto", "cc", "bcc", "to", "from", "by", "author", "email", "mail", "contact"),
        *("reply-to", "sip", "xmpp", "acct", "npm", "git"),
    }
)

_SUSPECT_WORDS = (
    r"passw|pwd|pass.?=|pw.?=|passphrase|secret|token|api.?key|access.?key|private.?key|auth|"
    r"account.?key|shared.?key|encryption.?key|signing.?key|credential|bearer|jwt|pat=|sig|key=|"
    r"code=|session=|sid=|ticket=|hash=|sign=|x-amz-|x-goog-"
)
_SUSPECT_FORMS = (
    r"sk-|gh[pousr]_|github_pat_|gl[a-z]{2,6}[-_]|gr1348941|(akia|asia|abia|acca|aroa|aida|agpa|"
    r"aipa|anpa|anva)[a-z0-9]|aiza|ya29|gocspx|1//0|xox|xapp|hooks\.slack|[spr]k_(live|test)|"
    r"whsec_|npm_|pypi-|hf_|sg\.|eyj|do[opr]_v1|dapi|shp[a-z]{2}_|sq0|lin_|ntn_|gsk_|xai-|pplx-|"
    r"r8_|fw_|nvapi|sntry|pmak-|tskey|dckr_|figd_|nrak-|sbp_|sb_|hrku|pscale|rubygems|at[ac]tt3|"
    r"atbb|vercel_|rnd_|ops_|sk[0-9a-f]|eaac|tvly-|jina_|hv[sbr]\.|dp\.|:aa|"
    r"key-[0-9a-f]{8}|[mno][a-z0-9_-]{23,25}\.[a-z0-9_-]{6}\."
)
SUSPECT = (
    r"://[^/]*[:@]|%3a|%253a|:[^ :@/]+@[^ ]|"
    rf"{_SUSPECT_FORMS}|{_SUSPECT_WORDS}|-u |--user|--proxy-user"
)
"""What every text with a credential matches, whatever the case of its letters, and few others do.

It is read alike by RE2 (DuckDB, Arrow), PostgreSQL and Python: alternatives, classes and repeats.
"""
_ROUNDS = 8
_DIGEST = re.compile(r"~[0-9a-f]{16}(?:[:/#|][a-z]{0,16}[0-9]{0,19}){0,3}\Z")
"""What `clean_identifier` leaves; read as part of a value, it would be taken out itself."""


def clean(text: str) -> str:
    """Give a text without its credentials, `***` in their places; most texts as they are."""
    digest = _DIGEST.search(text)
    if digest is not None and MARK in text[: digest.start()]:
        return clean(text[: digest.start()]) + digest[0]
    # What one rule leaves may be what another one looks for.
    for _ in range(_ROUNDS):
        cleaned = _clean_once(text)
        if cleaned == text:
            break
        text = cleaned
    return text


@lru_cache(maxsize=4096)
def clean_name(text: str) -> str:
    """Clean a short text that occurs often, such as a label or a path."""
    return clean(text)


def clean_identifier(text: str) -> str:
    """Clean what rows are told apart by: it stays apart from all others.

    What is taken out is replaced by a digest of the whole, because two identifiers that become one
    would make two rows count as one.
    """
    cleaned = clean(text)
    if cleaned == text:
        return text
    return f"{cleaned}~{hashlib.sha256(to_bytes(text)).hexdigest()[:16]}"


def is_clean(text: str) -> bool:
    """Tell whether no rule finds anything in a text."""
    return clean(text) == text


def _clean_once(text: str) -> str:
    text = _without_private_keys(text)
    text = _without_userinfo(text)
    # Looking for words is a hundred times faster than trying a rule everywhere.
    lower = text.lower()
    if any(word in lower for word in _NAMES):
        text = _AUTHORIZATION.sub(_authorization, text) if "authorization" in lower else text
        text = _ASSIGNED.sub(_assigned, text) if "=" in text else text
        text = _TOLD.sub(_told, text) if ":" in text else text
        text = _OPTION.sub(_option, text) if "-" in text else text
    if "curl" in lower or "wget" in lower:
        text = _CURL_USER.sub(lambda m: m[0] if _is_nothing(m[2]) else f"{m[1]}{MARK}", text)
    if "bearer" in lower:
        text = _BEARER.sub(lambda m: f"{m[1]}{MARK}" if _has_digit(m[2]) else m[0], text)
    if "AKIA" in text or "ASIA" in text:
        text = _without_aws_secrets(text)
    return without_keys(text)


def _without_aws_secrets(text: str) -> str:
    """The secrets beside AWS access key ids look like nothing by themselves."""
    if _AWS_ID.search(text) is not None:
        text = _AWS_SECRET.sub(lambda m: m[0] if _HEX.fullmatch(m[0]) else MARK, text)
    return text


def _without_private_keys(text: str) -> str:
    if "PRIVATE KEY" not in text:
        return text
    kept, place = [], 0
    while (start := _PRIVATE_KEY.search(text, place)) is not None:
        end = _PRIVATE_KEY_END.search(text, start.end())
        stop = end.end() if end else len(text)
        body = text[start.end() : end.start() if end else stop]
        # A heading that nothing follows is a mention of one.
        kept += [text[place : start.start()], MARK if body.strip() else start[0]]
        place = stop
    return "".join((*kept, text[place:]))


def _without_userinfo(text: str) -> str:
    """Take users with passwords out of addresses, word by word."""
    if ":" not in text and "%" not in text:
        return text
    words = _BETWEEN.split(text)
    last = max((n for n, word in enumerate(words) if word.strip(" \t\r\n.…")), default=0)
    for number, word in enumerate(words):
        if "://" in word:
            words[number] = _clean_address(word, is_last=number >= last - 1)
        if "%" in word and _ENCODED_MARKS.search(word):
            words[number] = _ENCODED.sub(_encoded, words[number])
    text = "".join(words)
    return _NO_SCHEME.sub(_no_scheme, text) if "@" in text else text


def _clean_address(word: str, *, is_last: bool) -> str:
    if _IMAGE.match(word):
        return word
    end = word.rfind("@") + 1
    if end:
        # Behind the last `@` there is nothing to look for, and looking would take its time.
        head, tail = word[:end], word[end:]
        head = _ENCODED_COLON.sub(rf"\1{MARK}", _USERINFO.sub(rf"\1{MARK}", head))
        head = _USER_ALONE.sub(_user_alone, head)
        head = _WITH_SLASH.sub(rf"\1{MARK}", head)
        word = head + tail
        if word.count(":") > 1:
            word = _PORT_AND_SLASH.sub(rf"\1{MARK}", word)
    if is_last:
        end = word.rfind("@") + 1
        bare = word[end:].rstrip("….")
        word = word[:end] + _CUT_OFF.sub(_cut_off, bare) + word[end + len(bare) :]
    return word


def _user_alone(match: re.Match[str]) -> str:
    return f"{match[1]}{MARK}" if _has_digit(match[2]) or len(match[2]) > 20 else match[0]  # noqa: PLR2004 - longer than names of users


def _cut_off(match: re.Match[str]) -> str:
    return match[0] if match[0].endswith(MARK) else f"{match[1]}{match[2]}:{MARK}"


def _encoded(match: re.Match[str]) -> str:
    is_secret = _HAS_COLON.search(match[2]) is not None or _is_random(match[2])
    return f"{match[1]}{MARK}" if is_secret else match[0]


def _no_scheme(match: re.Match[str]) -> str:
    return match[0] if match[1].lower() in _NO_USERS else MARK


def _authorization(match: re.Match[str]) -> str:
    value = match[3] or match[4]
    if _is_nothing(value) or (match[4] is not None and not _has_digit(value)):
        return match[0]
    return f"{match[1]}{match[2] or ''}{MARK}"


def _assigned(match: re.Match[str]) -> str:
    name, value = match[1].lower(), match[2]
    if _is_nothing(value) or (name.startswith("pwd") and value[:1] in "/~.$"):
        return match[0]
    if _IS_QUERY.match(name) and _PLAIN_PARAMETER.fullmatch(value):
        return match[0]
    if _is_variable(name, value) or (_ARROW.search(name) and _DOTTED_NAME.match(value)):
        return match[0]
    return match[1] + _marked(value)


def _is_variable(name: str, value: str) -> bool:
    """Whether the value is a variable called as what it is for: `token=self.token`."""
    called = _DOTTED_NAME.match(value)
    wanted = _NOT_LETTERS.sub("", name)
    return called is not None and _NOT_LETTERS.sub("", called[1].lower()) == wanted


def _told(match: re.Match[str]) -> str:
    """A value behind a colon, where it can be told from prose."""
    value = match[5]
    bare = value.strip("\"'")
    if _is_nothing(value):
        return match[0]
    if match[4] and value[:1] in ("'", '"'):
        return match[1] + _marked(value)
    least = 6 if match[2] else 16
    if value[:1] in ("'", '"'):
        least = 6
    header = match.string[max(0, match.start() - 1) : match.start()] == "-"
    least = min(least, 8) if header else least
    if len(bare) < least or not _has_digit(bare) or " " in bare or not bare.strip("0123456789.,"):
        return match[0]
    return match[1] + _marked(value)


def _option(match: re.Match[str]) -> str:
    value = match[2].strip("\"'")
    before = match.string[max(0, match.start() - 28) : match.start()]
    if _OPTION_NAME.search(before) is None:
        return match[0]
    if _is_nothing(match[2]) or value.isdecimal() or len(value) < 6 or not _has_digit(value):  # noqa: PLR2004 - shorter ones are words
        return match[0]
    return match[1] + _marked(match[2])


def _marked(value: str) -> str:
    """The mark in the place of a value, with the quotes of the value."""
    quote = value[0] if value[0] in "\"'" else ""
    return f"{quote}{MARK}{quote if len(value) > 1 and value.endswith(quote) else ''}"


def _is_nothing(value: str) -> bool:
    return _NO_VALUE.fullmatch(value.strip("\"'")) is not None


def _has_digit(text: str) -> bool:
    return any("0" <= character <= "9" for character in text)


def _is_random(text: str) -> bool:
    return len(text) >= 12 and _has_digit(text)  # noqa: PLR2004 - longer than names of users


def without_keys(text: str) -> str:
    """Take out keys and tokens of well-known forms alone, wherever they stand."""
    for form in _FORMS:
        if form.text in text:
            text = form.pattern.sub(lambda match, form=form: _key(match, form), text)  # type: ignore[misc]
    return text


def _key(match: re.Match[str], form: _Form) -> str:
    found = match[0]
    body = found.removeprefix(form.text)
    # A long text that ends in a key was cut off there; a name is not that long.
    is_cut = len(match.string) > _LONGEST_NAME and not match.string[match.end() :].strip(" .…")
    needs_digit = form.has_digit and (body.islower() or len(body) < _ENOUGH)
    if (needs_digit or len(body) < form.least) and not _has_digit(body):
        return found
    if form.text in _HEX_KEYS and not _HEX.fullmatch(body):
        return found
    is_sure = is_cut or form.text in _SURE or len(body) == _SURE_LENGTHS.get(form.text)
    if not is_sure and reads_as_words(body, of_capitals=form.text in _AWS):
        return found
    return MARK
