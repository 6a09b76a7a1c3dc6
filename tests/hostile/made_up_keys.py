"""Keys of well-known forms, as their makers give them out, with random characters in them."""

from __future__ import annotations

import random
import re
import string

LETTERS = {
    "A": string.ascii_letters + string.digits,
    "a": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "w": string.ascii_letters + string.digits + "-_",
    "b": string.ascii_letters + string.digits + "+/",
    "c": string.ascii_letters + string.digits + "./",
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": string.digits,
    "B": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "T": string.ascii_uppercase + "234567",
}
"""What stands for what in a template: `{h32}` is 32 hexadecimal digits."""

UUID = "{h8}-{h4}-{h4}-{h4}-{h12}"

KEYS = (
    # language models
    *("sk-ant-api03-{w93}AA", "sk-ant-admin01-{w93}AA", "sk-ant-oat01-{w86}", "sk-ant-sid01-{w86}"),
    *("sk-{A20}T3BlbkFJ{A20}", "sk-proj-{w74}T3BlbkFJ{w74}", "sk-svcacct-{w60}", "sk-admin-{w60}"),
    *("sess-{A40}", "sk-{h32}", "sk-{A48}", "sk-or-v1-{h64}", "sk-None-{A48}", "sk-kimi-{A48}"),
    *(f"sk-lf-{UUID}", "sk_{h48}", "lsv2_pt_{h32}_{h10}", "lsv2_sk_{h32}_{h10}", "hf_{A34}"),
    *("api_org_{A34}", "r8_{A37}", "gsk_{A52}", "xai-{A80}", "pplx-{A48}", "nvapi-{w64}"),
    *("tgp_v1_{w43}", "fw_{A24}", "csk-{a48}", "pa-{w43}", "jina_{h32}{w27}", "tvly-dev-{A32}"),
    *("fc-{h32}", "e2b_{h40}", "pcsk_{A5}_{A63}", "wandb_v1_{w80}", "vck_{A56}", "key_{h64}"),
    *("esecret_{a26}", "ABSK{b120}", "crsr_{h64}", f"sk-helicone-{UUID}", "AQ.Ab8RN6{w45}"),
    # forges and registries
    *("ghp_{A36}", "gho_{A36}", "ghu_{A36}", "ghs_{A36}", "ghr_{A76}", "github_pat_{A22}_{A59}"),
    *("glpat-{w20}", "glpat-{w27}.01.{a9}", "gldt-{w20}", "glrt-{w20}", "glcbt-64_{w20}"),
    *("glptt-{h40}", "glft-{w20}", "glimt-{a25}", "glagent-{w50}", "glsoat-{w20}", "gloas-{h64}"),
    *("GR1348941{w20}", "ATBB{A32}", "ATATT3xFfGF0{w180}={H8}", "ATCTT3xFfGN0{w160}={H8}"),
    *("ATSTT3xFfGF0{w160}={H8}", "npm_{A36}", "pypi-AgEIcHlwaS5vcmc{w150}", "dckr_pat_{w27}"),
    *("dckr_oat_{w32}", "rubygems_{h48}", "cio{A32}", "CLOJARS_{h60}", "AKCp{A69}", "cmVmd{A59}"),
    *("bkua_{h40}", "CCIPAT_{A22}_{h40}", "CCIPRJ_{A22}_{h40}", "sgp_{h40}", "sgp_{h16}_{h40}"),
    *("sqp_{h40}", "squ_{h40}", "oy2{a43}", "sgp_local_{h40}", "pnu_{A36}", "rdme_{a70}"),
    *(f"snyk_uat.{{h8}}.{UUID}", "BBDC-{b44}", "jfrt@01{a20}"),
    # clouds
    *("AKIA{T16}", "ASIA{T16}", "ABIA{T16}", "akia{a16}", "AIzaSy{w33}", "ya29.a0{w120}"),
    *("GOCSPX-{w28}", "1//0{w64}", "LTAI{A20}", "AKID{A32}", "{A3}8Q~{w34}", "DO00{u16}"),
    *(
        "dop_v1_{h64}",
        "doo_v1_{h64}",
        "dor_v1_{h64}",
        "FlyV1 fm2_{b160}",
        "fm2_{b160}",
        "fo1_{w43}",
    ),
    *("fm1r_{b120}", "nfp_{A36}", "vercel_blob_rw_{A16}_{A30}", "vcp_{A56}", "HRKU-AA{w58}"),
    *("rnd_{A32}", "sbp_{h40}", "sb_secret_{w31}", "pscale_tkn_{w43}", "pscale_oauth_{w43}"),
    *("pscale_pw_{w43}", "napi_{a64}", "AVNS_{w19}", "mdb_sa_sk_{w40}", "4b1d{A38}"),
    *("v1.0-{h24}-{h146}", "tk-us-{w48}", "sha256~{w43}", "AQVN{w36}", "t1.{A60}.{w86}"),
    *("y0_{w58}", "IQoJb3JpZ2luX2Vj{b300}", "FwoGZXIvYXdz{b300}", f"amzn.mws.{UUID}"),
    *("amzn1.oa2-cs.v1.{h64}", "{A52}JQQJ99{A26}", "AAAA{w7}:APA91b{w134}", "cflt{A60}"),
    # infrastructure
    *("hvs.{w95}", "hvb.{w140}", "hvr.{w95}", "s.{A24}", "{A14}.atlasv1.{w67}", "dp.pt.{A43}"),
    *("dp.st.dev.{A43}", "dp.sa.{A43}", "pul-{h40}", "dapi{h32}", "dapi{h32}-2", "dose{h32}"),
    *("AGE-SECRET-KEY-1{B58}", "tskey-auth-{A17}-{A32}", "tskey-api-{A17}-{A32}", "ops_eyJ{b300}"),
    *("A3-{u6}-{u11}-{u5}-{u5}-{u5}", "A3-{u6}-{u6}-{u5}-{u5}-{u5}-{u5}", "API-{u26}"),
    *("pat.{w22}.{A24}.{A20}", "ico-{A32}", "dnkey-{a26}-{a52}"),
    # watching
    *("glsa_{A32}_{h8}", "glc_eyJ{b120}", "sntrys_eyJ{b100}_{b43}", "sntryu_{h64}", "NRAK-{u27}"),
    *("NRII-{w32}", "NRJS-{h19}", "{h36}NRAL", "dt0c01.{u24}.{u64}", "phx_{A43}"),
    *("hcaik_{a58}", f"xaat-{UUID}", "pylf_v1_us_{A43}", "cu_{h32}"),
    # chat, mail and money
    *(
        "xoxb-{d12}-{d13}-{A24}",
        "xoxp-{d12}-{d12}-{d13}-{h32}",
        "xoxe.xoxp-1-{A160}",
        "xoxe-1-{A146}",
    ),
    *("xapp-1-A{u10}-{d13}-{h64}", "xoxc-{d12}-{d12}-{d12}-{h64}", "xoxd-{A60}%2B{A40}%3D"),
    *(
        "https://hooks.slack.com/services/T{u8}/B{u10}/{A24}",
        "hooks.slack.com/triggers/T{u8}/{d13}/{h32}",
    ),
    *(
        "https://discord.com/api/webhooks/{d18}/{w68}",
        "https://discordapp.com/api/webhooks/{d18}/{w68}",
    ),
    f"https://corp.webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/{{h32}}/{UUID}",
    *("https://hooks.zapier.com/hooks/catch/{d7}/{a7}", "M{A23}.{A6}.{w38}", "mfa.{w84}"),
    *("{d10}:AA{w33}", "bot{d10}:AA{w33}", "SG.{w22}.{w43}", "key-{h32}", "{h32}-{h8}-{h8}"),
    *("{h32}-us12", "SK{h32}", "xkeysib-{h64}-{A16}", "re_{A8}_{A24}", "oauth:{a30}"),
    *(
        "sk_live_{A24}",
        "rk_live_{A24}",
        "sk_test_{A99}",
        "rk_test_{A24}",
        "whsec_{b32}",
        "sk_prod_{A24}",
    ),
    *("shpat_{h32}", "shpss_{h32}", "shpca_{h32}", "shppa_{h32}", "EAAA{w60}", "sq0atp-{w22}"),
    *("sq0csp-{w43}", "access_token$production${a16}${h32}", "access_token$sandbox${a16}${h32}"),
    *("EAAC{A150}", "EAAB{A120}", "EAAG{A180}", "shippo_live_{h40}", "EZAK{A54}", "EZTK{A54}"),
    *("FLWSECK_TEST-{h32}-X", "FLWSECK-{h32}-X", "live_{h35}", "test_{h35}", "rzp_live_{A14}"),
    *(f"access-production-{UUID}", "duffel_live_{w43}", "APP_USR-{d16}-{d6}-{h32}-{d9}"),
    # work
    *("lin_api_{A40}", "lin_oauth_{h64}", "secret_{A43}", "ntn_{d11}{A35}", "figd_{w40}"),
    *("PMAK-{h24}-{h34}", "CFPAT-{w43}", "tfp_{A44}_{A14}", f"pat-na1-{UUID}", "pat{A14}.{h64}"),
    *("1/{d16}:{h32}", "sl.B{w134}", "sk.eyJ1{A60}.{w22}", "fio-u-{w64}", "p8e-{a32}"),
    *("{A6}_{A29}_mmk", "{d15}|{A27}", "AAAAAAAAAAAAAAAAAAAAAA{A30}%3D{A50}"),
    *("https://mainnet.infura.io/v3/{h32}", "https://eth-mainnet.g.alchemy.com/v2/{w32}"),
    # any
    *("eyJhbGciOiJIUzI1NiJ9.eyJ{A40}.{w43}", "eyJrIjoi{A80}", "ZXlKaGJHY2lPaU{A80}"),
    *(
        "MIIEpAIBAAKCAQEA{b120}",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{b120}",
        "b3BlbnNzaC1rZXktdjEA{b120}",
    ),
    *("$2y$10${c53}", "$6${A16}${c86}"),
)

_PIECE = re.compile(r"\{([A-Za-z])(\d+)\}")


def drawn(template: str, draws: random.Random) -> tuple[str, list[str]]:
    """Fill a template; also what is random in it, which must not be found again."""
    pieces: list[str] = []

    def piece(match: re.Match[str]) -> str:
        text = "".join(draws.choices(LETTERS[match[1]], k=int(match[2])))
        # A key of letters alone is possible, and so unlikely that no test needs it.
        if len(text) > 5 and match[1] != "d" and not any(c.isdigit() for c in text):
            text = text[:3] + "7" + text[4:]
        pieces.append(text)
        return text

    return _PIECE.sub(piece, template), pieces


def left(pieces: list[str], text: str) -> list[str]:
    """The random pieces of which eight characters in a row (or all) are still in a text."""
    return [
        piece
        for piece in pieces
        if any(piece[n : n + 8] in text for n in range(max(1, len(piece) - 7))) and len(piece) > 5
    ]
