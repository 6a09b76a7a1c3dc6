"""Keys and tokens of well-known forms: the table of them.

What belongs here: what can be told by its own form, wherever it stands; a row for each. What does
not: taking them out (`key_forms`), and passwords that only the words around them show.

Every pattern takes time in proportion to the length of the text: it begins with a text that is
looked for first, or at the start of a word, and its repeats are bounded or eat what they pass.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agentsview_assets.rules.credentials.values import APART

# Nothing but the limit of a title may follow: what was cut off is still a credential.
_LEAST_CUT = 8
"""Characters that have to be left of a cut-off key whose start words have, too."""
_LONG_START = 4
_CUT = r"(?=(?:\.\.\.|…)?\s{0,8}\Z)"

WORD, DASHED, DOTTED = "[A-Za-z0-9]", "[A-Za-z0-9_-]", "[A-Za-z0-9_.-]"
HEX, BASE64, CAPITALS, SMALL = "[0-9A-Fa-f]", "[A-Za-z0-9+/=_-]", "[A-Z0-9]", "[a-z0-9]"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Form(NamedTuple):
    """Keys of one kind.

    Attributes:
        text: What each of them has; looked for first.
        pattern: All of the key; compiled where its text is met, as there are some 200.
        suspect: A pattern that each of them matches, in words that RE2 and PostgreSQL know, too.
        has_digit: Whether letters alone are none, unless they are many and of both cases.
        least: How long letters alone have to be.
        is_sure: Whether words behind the start are a key, too.
        of_capitals: Whether the start is of capitals, so that long words of capitals may follow.
        is_apart: Whether each of them, and so its suspect, stands at the start of a word.
    """

    text: str
    pattern: str
    suspect: str
    has_digit: bool = False
    least: int = 0
    is_sure: bool = False
    of_capitals: bool = False
    is_apart: bool = False


def _literal(start: str) -> str:
    return re.split(r"[\[(\\{?|]", start)[0]


def _suspect(start: str, body: str) -> str:
    """A start by itself, or with one more character where words have the start, too."""
    return start if len(_literal(start)) > _LONG_START else start + body


def _start(start: str, body: str, least: int, *, sure: bool = False, tail: str = "") -> Form:
    """A start that nothing else has, and so many characters, or the few before the text is cut."""
    rest = f"(?:{body}{{{least},}}{tail}|{body}{{1,{least - 1}}}{_CUT})"
    return Form(_literal(start), start + rest, start, is_sure=sure)


def _apart(start: str, body: str, least: int, *, digit: bool = True, sure: bool = False) -> Form:
    """A start that stands at the start of a word; cut off, a few characters have to be left."""
    rest = f"(?:{body}{{{least},}}|{body}{{{_LEAST_CUT},{least - 1}}}{_CUT})"
    pattern = APART + start + rest
    return Form(
        _literal(start), pattern, _suspect(start, body), digit, least, is_sure=sure, is_apart=True
    )


def _long(start: str, body: str, least: int) -> Form:
    """A start that names of things have, too: what follows goes on for longer than a word."""
    pattern = f"{APART}{re.escape(start)}{body}{{{least},}}"
    return Form(start, pattern, re.escape(start) + body, has_digit=True, is_apart=True)


def _exactly(start: str, body: str, *lengths: int) -> Form:
    """A start that words have, too, and the characters that a key has behind it, no more."""
    bodies = "|".join(f"{body}{{{length}}}(?![A-Za-z0-9])" for length in lengths)
    pattern = f"{APART}{start}(?:{bodies})"
    return Form(_literal(start), pattern, start + body, has_digit=True, is_apart=True)


def _hex(start: str, least: int) -> Form:
    """A start that words have, too, and so many hexadecimal digits."""
    rest = f"(?:{HEX}{{{least},}}(?![A-Za-z0-9])|{HEX}{{{_LEAST_CUT},{least - 1}}}{_CUT})"
    pattern = APART + start + rest
    return Form(start, pattern, start + HEX, has_digit=True, least=least, is_apart=True)


def _shape(text: str, pattern: str, suspect: str = "") -> Form:
    """A shape that nothing else has."""
    found = f"{APART}(?:{pattern})"
    return Form(text, found, suspect or re.escape(text), has_digit=True, is_sure=True)


_MODELS = (
    *(_start(rf"sk-ant-{kind}\d\d-", DASHED, 8, sure=True) for kind in ("api", "admin", "oat")),
    *(_start(rf"sk-ant-{kind}\d\d-", DASHED, 8, sure=True) for kind in ("ort", "sid")),
    _start("sk-ant-", DASHED, 8),
    *(
        _apart(f"sk-{name}-", DASHED, 16)
        for name in (
            *("proj", "svcacct", "admin", "or", "lf", "service", "None", "kimi", "live", "test"),
            *("user", "cp", "helicone"),
        )
    ),
    _long("sk-or-v1-", HEX, 16),
    _apart("sk-", WORD, 20),
    _exactly("sk_", HEX, 48),
    _long("sess-", WORD, 32),
    _apart("lsv2_(?:pt|sk)_", "[0-9a-f_]", 16),
    _apart("hf_", WORD, 24, digit=False),
    _apart("api_org_", WORD, 24, digit=False),
    *(_long(start, WORD, 20) for start in ("gsk_", "xai-", "r8_", "fw_", "pplx-", "rnd_", "csk-")),
    *(_long(start, DASHED, 20) for start in ("tvly-", "jina_", "esecret_", "vck_", "tgp_v1_")),
    _long("nvapi-", DASHED, 40),
    _exactly("pa-", DASHED, 43),
    *(_exactly(start, HEX, size) for start, size in (("fc-", 32), ("e2b_", 40), ("key_", 64))),
    *(_long(start, DASHED, 40) for start in ("pcsk_", "wandb_v1_", "crsr_")),
    _long("ABSK", BASE64, 80),
    _apart(r"AQ\.Ab", DASHED, 24),
)
_FORGES = (
    *(_start(f"gh{kind}_", WORD, 10) for kind in "pousr"),
    _start("github_pat_", "[A-Za-z0-9_]", 16),
    *(
        _apart(f"{name}-", DASHED, 16, digit=False)
        for name in (
            *("gldt", "glcbt", "glptt", "glft", "glimt", "glagent", "glsoat", "glffct", "glwt"),
            "gloas",
        )
    ),
    *(
        Form(f"{name}-", (
            rf"{APART}{name}-(?:{DASHED}{{16,}}(?:\.[0-9a-z]{{2}}\.?[0-9a-z]{{7,9}})?|"
            rf"{DASHED}{{{_LEAST_CUT},15}}{_CUT})"
        ), f"{name}-", least=16)
        for name in ("glpat", "glrt")
    ),
    _start("GR1348941", DASHED, 16),
    _long("ATBB", WORD, 24),
    *(_apart(start, "[A-Za-z0-9_=-]", 16) for start in ("ATATT3", "ATCTT3", "ATSTT3")),
    _apart("npm_", WORD, 24, digit=False),
    _start("pypi-AgE", DASHED, 10),
    *(_apart(start, DASHED, 16) for start in ("dckr_pat_", "dckr_oat_", "CCIPAT_", "CCIPRJ_")),
    _shape("snyk_", r"snyk_[us]at\.[\w-]{6,}\.[\w-]{16,}"),
    *(_apart(start, BASE64, 16) for start in ("BBDC-", "jfrt@01")),
    *(_hex(start, 32) for start in ("rubygems_", "CLOJARS_", "bkua_", "bkct_", "bkaj_")),
    *(_hex(start, 40) for start in ("sgp_", "sgp_local_", "sqp_", "squ_", "sqa_")),
    _shape("sgp_", rf"sgp_{HEX}{{16}}_{HEX}{{20,}}"),
    *(_exactly(*row) for row in (("cio", WORD, 32), ("oy2", SMALL, 43), ("pnu_", WORD, 36))),
    *(_exactly(*row) for row in (("AKCp", WORD, 69), ("cmVmd", WORD, 59), ("rdme_", SMALL, 70))),
)  # fmt: skip
_AWS = ("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA")
_CLOUDS = (
    *(
        _apart(kind, CAPITALS, 16, digit=False, sure=kind == "AKIA")._replace(of_capitals=True)
        for kind in _AWS
    ),
    _exactly("akia", SMALL, 16)._replace(is_sure=True),
    _exactly("asia", SMALL, 16),
    _start("AIza", DASHED, 24),
    _start(r"ya29\.", DOTTED, 10),
    _start("GOCSPX-", DASHED, 16),
    _apart("1//0", DASHED, 24, sure=True),
    *(_exactly(*row) for row in (("LTAI", WORD, 12, 20), ("AKID", WORD, 32, 36))),
    _exactly("DO00", CAPITALS, 16),
    _shape("Q~", r"[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~-])", "[0-9]q~"),
    *(_apart(f"do{kind}_v1_", DASHED, 16) for kind in "opr"),
    *(_long(start, BASE64, 40) for start in ("fm2_", "fm1r_", "fm1a_", "fo1_")),
    *(_long(f"nf{kind}_", WORD, 32) for kind in "pocu"),
    *(_long(start, WORD, 20) for start in ("vercel_", "vcp_", "vci_", "vca_", "vcr_", "sbp_")),
    _apart("vercel_blob_rw_", "[A-Za-z0-9_]", 16),
    *(_apart(start, DASHED, 16) for start in ("sb_secret_", "pscale_tkn_", "pscale_pw_")),
    *(_apart(start, DASHED, 16) for start in ("pscale_oauth_", "mdb_sa_sk_", "AVNS_", "HRKU-")),
    *(_exactly(*row) for row in (("napi_", SMALL, 64), ("4b1d", WORD, 38), ("tk-us-", DASHED, 48))),
    *(_exactly(*row) for row in (("sha256~", DASHED, 43), ("AQVN", DASHED, 35, 36, 37, 38))),
    _exactly("cflt", "[A-Za-z0-9+/]", 60),
    *(_long(f"cf{kind}_", DASHED, 40) for kind in ("ut", "at", "k")),
    _shape("v1.0-", rf"v1\.0-{HEX}{{24}}-{HEX}{{40,}}"),
    _shape("t1.", r"t1\.[\w=-]{20,}\.[\w=-]{40,}", r"t1\.[a-z0-9_=-]"),
    _long("y0_", DASHED, 40),
    *(_long(start, "[A-Za-z0-9+/=]", 60) for start in ("IQoJb3JpZ2lu", "FwoGZXIvYXdz")),
    _shape("amzn", rf"amzn\.mws\.{_UUID}|amzn1\.oa2-cs\.v1\.{HEX}{{32,}}", r"amzn1?\."),
    _shape("JQQJ9", r"[A-Za-z0-9]{52}JQQJ9[A-Za-z0-9]{20,}"),
    _shape(":APA91b", r"[\w-]{11}(?:[\w-]{11})?:APA91b[\w-]{40,}"),
)
_SYSTEMS = (
    _apart(r"hv[sbr]\.", DASHED, 20),
    _exactly(r"s\.", WORD, 24)._replace(suspect=r"s\.[A-Za-z0-9]{12}"),
    _shape(".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{20,}"),
    _apart(r"dp\.[a-z]{2,8}\.(?:[a-z0-9_-]{1,35}\.)?", DASHED, 16)._replace(
        text="dp.", suspect=r"dp\.[a-z]"
    ),
    *(_exactly(start, HEX, size) for start, size in (("pul-", 40), ("dose", 32), ("cu_", 32))),
    _hex("dapi", 16),
    *(_apart(start, DASHED, 16) for start in ("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1", "tskey-")),
    _apart("ops_eyJ", BASE64, 16),
    _shape("A3-", r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
           "a3-[a-z0-9]{6}-"),
    _exactly("API-", CAPITALS, 25, 26),
    _shape("at.", r"[ps]at\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",
           r"[ps]at\.[a-z0-9_-]"),
    _exactly("ico-", WORD, 32),
    _long("dnkey-", DASHED, 40),
    _shape("2", r"(?<=\$)2[abxy]\$\d\d\$[./A-Za-z0-9]{53}", r"\$2[abxy]\$[0-9]"),
    _shape("$", r"(?<=\$)(?:[156y]|apr1)\$[./A-Za-z0-9$]{1,40}\$[./A-Za-z0-9]{22,}",
           r"\$(?:[156y]|apr1)\$"),
)  # fmt: skip
_WATCHING = (
    *(_apart(start, BASE64, 16) for start in ("glsa_", "sntrys_", "sntryu_", "sntrya_", "sntryi_")),
    _long("glc_", BASE64, 20),
    *(_apart(start, DASHED, 16) for start in ("NRAK-", "NRII-", "NRIQ-", "NRRA-", "NRJS-")),
    _shape("NRAL", rf"{HEX}{{36}}NRAL"),
    _apart(r"dt0[a-z]\d\d\.", "[A-Z0-9.]", 20)._replace(suspect=r"dt0[a-z][0-9][0-9]\."),
    *(_long(start, WORD, 32) for start in ("phx_", "phs_", "hcaik_", "hcbik_", "hcxik_")),
    _shape("xa", rf"xa[ap]t-{_UUID}", "xa[ap]t-"),
    _apart("pylf_v", DASHED, 20),
)
_TALKING = (
    *(_start(f"xox{kind}-", "[A-Za-z0-9.%_-]", 10) for kind in "abcdeoprs"),
    _apart("xapp-", "[A-Za-z0-9-]", 10),
    _start(r"hooks\.slack\.com/[a-z]{4,12}/", "[A-Za-z0-9_/-]", 10, sure=True),
    _shape("api/webhooks/", r"discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{8,20}/[\w-]{8,}",
           r"discord(?:app)?\.com/api/"),
    _shape("webhook.office", r"webhook\.office\.com/webhookb2/[\w@/-]{20,}"),
    _shape("hooks.zapier", r"hooks\.zapier\.com/hooks/catch/\d{4,12}/[\w-]{4,}"),
    _shape("ifttt.com", r"maker\.ifttt\.com/trigger/[\w-]{1,64}/(?:json/)?with/key/[\w-]{16,}"),
    # Discord and Telegram
    Form(".", r"(?:(?<![\w.-])|(?<=\\[nrt]))[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",
          r"\.[a-z0-9_-]{6}\.[a-z0-9_-]{8}", has_digit=True, is_sure=True),
    Form(":AA", r"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{30,}", "[0-9]:aa", is_sure=True),
    _long("mfa.", DASHED, 40),
    _apart(r"SG\.", DOTTED, 24),
    _hex("key-", 16),
    _shape("-", rf"{HEX}{{32}}-(?:{HEX}{{8}}-{HEX}{{8}}|us\d\d?)(?![\w-])",
           "[0-9a-f]-us[0-9]|[0-9a-f]{4}-[0-9a-f]{8}-[0-9a-f]{8}"),
    _hex("SK", 16)._replace(suspect="SK[0-9A-Fa-f]{4}"),
    *(_long(start, DASHED, 40) for start in ("xkeysib-", "xsmtpsib-")),
    _shape("re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}", "re_[a-z0-9]{8}_"),
    _exactly("oauth:", SMALL, 30),
)  # fmt: skip
_MONEY_AND_WORK = (
    *(
        _apart(f"{kind}k_{mode}_", "[A-Za-z0-9_]", 10, digit=False)
        for kind in "spr"
        for mode in ("live", "test", "prod")
    ),
    _start("whsec_", "[A-Za-z0-9+/=]", 16),
    *(_apart(f"shp{kind}_", DASHED, 16) for kind in ("at", "ca", "pa", "ss", "ua", "rt", "it")),
    *(_apart(f"sq0{kind}-", DASHED, 16) for kind in ("atp", "csp", "idp")),
    *(_long(f"EAA{kind}", WORD, 28) for kind in "BCDEFGHIJKLMNOPQRSTUVWXYZ"),
    *(_long(start, DASHED, 28) for start in ("EAAA", "APP_USR-")),
    _shape("access_token$", r"access_token\$(?:production|sandbox)\$[0-9a-z]{8,}\$[0-9a-f]{16,}"),
    *(_exactly(start, HEX, 35) for start in ("live_", "test_")),
    *(_hex(start, 40) for start in ("shippo_live_", "shippo_test_")),
    *(_exactly(start, WORD, 54) for start in ("EZAK", "EZTK")),
    *(_apart(start, DASHED, 12) for start in ("FLWSECK_TEST-", "FLWSECK-")),
    *(_apart(start, DASHED, 12) for start in ("rzp_live_", "rzp_test_")),
    _shape("access-", rf"access-(?:sandbox|development|production)-{_UUID}",
           "access-(?:sandbox|development|production)-"),
    *(_apart(start, DASHED, 24) for start in ("duffel_live_", "duffel_test_", "CFPAT-", "tfp_")),
    *(_apart(start, DASHED, 16) for start in ("lin_api_", "lin_oauth_", "lin_wh_")),
    *(_apart(start, DASHED, 16) for start in ("PMAK-", "PMAT-")),
    *(_long(start, WORD, 20) for start in ("secret_", "ntn_")),
    *(_apart(start, DASHED, 16) for start in ("figd_", "figu_", "figuh_", "figor_")),
    _shape("pat-", rf"pat-[a-z]{{2,4}}\d-{_UUID}", "pat-[a-z]"),
    _shape("pat", rf"pat[A-Za-z0-9]{{14}}\.{HEX}{{40,}}", "pat[a-z0-9]{6}"),
    _shape(":", rf"[12]/\d{{15,17}}(?:/\d{{15,17}})?:{HEX}{{32}}", "[12]/[0-9]{4}"),
    _long("sl.", DASHED, 100),
    _long("fio-u-", DASHED, 40),
    _exactly("p8e-", SMALL, 32),
    _shape("_mmk", r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),
    _shape("|", r"\d{15,16}\|[\w-]{27,40}(?![\w-])", r"[0-9]\|[a-z0-9]"),
    _shape("A" * 20, r"A{20,24}[A-Za-z0-9%]{60,}", "A" * 20),
    _shape("infura.io", r"infura\.io/(?:ws/)?v3/[0-9a-f]{32}"),
    _shape("alchemy", r"alchemy(?:api)?\.(?:com|io)/v2/[\w-]{20,}", r"alchemy(?:api)?\."),
)  # fmt: skip
_ANYWHERE = (
    _apart("eyJ", "[A-Za-z0-9_.=-]", 16, digit=False),
    _long("ZXlK", "[A-Za-z0-9+/=]", 40),
    # the first bytes of private keys, written in base64
    *(
        Form(_literal(start), (
            rf"{start}(?:[A-Za-z0-9+/=]|\\[nr]|\s(?=[A-Za-z0-9+/=]{{40}})){{16,}}"
        ), start, is_sure=True)
        for start in (
            "MII[A-Za-z0-9+/]{3}IBAAK[BC]", "MII[A-Za-z0-9+/]{3}IBADANBgkqhkiG9w0BAQ",
            "b3BlbnNzaC1rZXktdjE", "MHcCAQEEI", "MIGkAgEBBD", "MIGHAgEAMBMG", "MC4CAQAwBQYDK2Vw",
        )
    ),
)  # fmt: skip
FORMS = (*_MODELS, *_FORGES, *_CLOUDS, *_SYSTEMS, *_WATCHING, *_TALKING, *_MONEY_AND_WORK,
          *_ANYWHERE)  # fmt: skip
_AT_WORD = r"(?:^|[^A-Za-z0-9]|\\[nrt]|%[0-9A-Fa-f][0-9A-Fa-f])"
"""`APART` for those that cannot look behind."""


def _suspects(*, is_apart: bool) -> str:
    found = [form.suspect for form in FORMS if form.is_apart is is_apart]
    return "|".join(dict.fromkeys(text.replace(r"\d", "[0-9]") for text in found))


SUSPECT_KEYS = f"{_suspects(is_apart=False)}|{_AT_WORD}(?:{_suspects(is_apart=True)})"
"""What every text with one of these keys matches, whatever the case of its letters."""
