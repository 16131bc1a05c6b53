"""Writes encodings.json: texts as Python encodes them. Run it in this folder."""

import base64
import json

GERMAN = "Die Lademarke zeigt, wie tief ein Schiff tauchen darf. Für größere Schiffe gilt Äußerstes – „Vorsicht“.\n"
RUSSIAN = "Грузовая марка показывает, насколько глубоко может сидеть судно. Её наносят на оба борта.\n"
JAPANESE = "満載喫水線は、船舶の安全のために定められた喫水の限度を示す線です。船の側面に表示されます。\n"
CHINESE = "载重线标志是为保证船舶安全航行而在船舷两侧勘划的标志。它规定了船舶的最大吃水。\n"
TAIWANESE = "載重線標誌是為保證船舶安全航行而在船舷兩側勘劃的標誌。它規定了船舶的最大吃水。\n"
KOREAN = "만재흘수선은 배가 안전하게 잠길 수 있는 한계를 나타내는 선이다. 배의 양쪽에 표시한다.\n"
FAR = "An English line.\n" * 2_000 + "Für größere Schiffe.\n"
POLISH = '<?xml version="1.0" encoding="ISO-8859-2"?><a>zażółć gęślą</a>'
SWEDISH = '<html><head><meta charset="iso-8859-1"></head><body><p>Å</p></body></html>'

CASES = [
    ("UTF-8", GERMAN, "utf-8"),
    ("UTF-8 with a mark", JAPANESE, "utf-8-sig"),
    ("UTF-16 with a mark", RUSSIAN, "utf-16"),
    ("UTF-16LE without a mark", GERMAN, "utf-16-le"),
    ("UTF-16BE without a mark", GERMAN, "utf-16-be"),
    ("UTF-16LE without a mark, Japanese", JAPANESE, "utf-16-le"),
    ("windows-1252", GERMAN, "cp1252"),
    ("windows-1252 far behind", FAR, "cp1252"),
    ("windows-1251", RUSSIAN, "cp1251"),
    ("KOI8-R", RUSSIAN, "koi8-r"),
    ("Shift_JIS", JAPANESE, "shift_jis"),
    ("EUC-JP", JAPANESE, "euc_jp"),
    ("ISO-2022-JP", JAPANESE, "iso2022_jp"),
    ("GB18030", CHINESE, "gb18030"),
    ("Big5", TAIWANESE, "big5"),
    ("EUC-KR", KOREAN, "euc_kr"),
    ("declared by XML", POLISH, "iso8859-2"),
    ("declared by HTML", SWEDISH, "latin-1"),
]

with open("encodings.json", "w", encoding="utf-8") as file:
    cases = [
        {"name": name, "text": text, "bytes": base64.b64encode(text.encode(encoding)).decode()}
        for name, text, encoding in CASES
    ]
    json.dump(cases, file, ensure_ascii=False, indent=1)
    file.write("\n")
