"""The clips and twins that JavaScript draws on the book's pages, against those of seqlib, in a real browser."""

import json

from lab_cases import cases
from pages import opened

CHECKSUMS = """(cases) => {
    const table = Uint32Array.from({ length: 256 }, (_, c) => {
        for (let bit = 0; bit < 8; bit++) c = (c >>> 1) ^ (c & 1 && 0xedb88320);
        return c;
    });
    const crc32 = (frames) => {
        let crc = -1;
        for (const frame of frames) for (const byte of frame) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
        return ~crc >>> 0;
    };
    return cases.map(({ task, kind, seed, index, options }) => {
        const which = [seed, index, options];
        const clips = kind ? ClipLab.twins(task, kind, ...which) : [ClipLab.clip(task, ...which)];
        return [clips.map(({ frames }) => crc32(frames)), clips.map(({ label }) => label)];
    });
}"""


def test_clips_and_twins_are_those_of_seqlib_byte_for_byte(browser, book):
    drawn = cases(280)
    sent = [{name: case[name] for name in ("task", "kind", "seed", "index", "options")} for case in drawn]
    with opened(browser, f"{book.url}/404.html") as page:
        page.add_script_tag(url=f"{book.url}/_static/lab/clips.js")
        found = page.evaluate(CHECKSUMS, json.loads(json.dumps(sent)))
    wrong = [
        case
        for case, (checksums, labels) in zip(drawn, found, strict=True)
        if (checksums, labels) != (case["checksums"], case["labels"])
    ]
    assert wrong == []
