"""
Makes the samples that need other programs' writers. Run it in this folder:
    pip install reportlab pypdf python-docx ebooklib msoffcrypto-tool && python3 make-samples.py
"""
import docx
import pypdf
import reportlab.rl_config
from ebooklib import epub
from msoffcrypto.format.ooxml import OOXMLFile
from reportlab.lib.pagesizes import A5
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

reportlab.rl_config.invariant = 1



def paper():
    page = canvas.Canvas("paper.pdf", pagesize=A5)
    page.setTitle("On load lines")
    page.setFont("Times-Bold", 20)
    page.drawString(40, 540, "Load lines")
    page.setFont("Times-Roman", 11)
    text = page.beginText(40, 500)
    text.setLeading(14)
    text.textLine("A load line shows how deep a ship may lie in the water. Its marks are")
    text.textLine("painted amidships on both sides, and the hydro-")
    page.drawText(text)
    # Justified lines end at the right margin.
    text = page.beginText(40, 472)
    text.setLeading(14)
    text.textLine("static tables of the ship name the draughts that belong to them, well-")
    text.textLine("known since 1876.")
    text.textLine("")
    text.textLine("Hydrostatic tables are made by the yard.")
    page.drawText(text)
    page.setFont("Times-Bold", 15)
    page.drawString(40, 380, "Seasons")
    page.setFont("Times-Roman", 11)
    for n, line in enumerate(["Summer: S", "Winter: W", "Tropical: T"]):
        page.drawString(40, 350 - 14 * n, line)
    page.showPage()
    page.setFont("Times-Roman", 11)
    page.drawString(40, 540, "The second page.")
    page.showPage()
    page.save()


def hebrew():
    pdfmetrics.registerFont(TTFont("DejaVu", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))
    page = canvas.Canvas("hebrew.pdf", pagesize=A5)
    page.setFont("DejaVu", 14)
    # The glyphs are drawn from left to right.
    page.drawString(200, 500, "שלום עולם"[::-1])
    page.showPage()
    page.save()


def japanese():
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    page = canvas.Canvas("japanese.pdf", pagesize=A5)
    page.setFont("HeiseiMin-W3", 14)
    page.drawString(40, 500, "満載喫水線は船の側面にある。")
    page.showPage()
    page.save()


def protect(name, user, owner):
    writer = pypdf.PdfWriter(clone_from="paper.pdf")
    writer.encrypt(user, owner, algorithm="AES-256")
    writer.write(name)


def report():
    document = docx.Document()
    document.core_properties.title = "Annual report"
    document.add_paragraph("Report", style="Title")
    document.add_heading("Ships", 1)
    document.add_paragraph("Twelve ships are at sea.")
    document.add_heading("Crews", 2)
    document.add_paragraph("A master", style="List Bullet")
    document.add_paragraph("Two mates", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, words in zip(table.rows, [("Name", "Tons"), ("Aurora", "1200")]):
        for cell, word in zip(row.cells, words):
            cell.text = word
    document.add_paragraph("שלום עולם, 満載喫水線, العربية")
    document.save("report.docx")
    with open("report.docx", "rb") as plain, open("locked.docx", "wb") as locked:
        OOXMLFile(plain).encrypt("secret", locked)


def book():
    book = epub.EpubBook()
    book.set_identifier("plimsoll-sample")
    book.set_title("Tales of the sea")
    book.set_language("en")
    texts = [
        ("first.xhtml", "Departure", "<h1>Departure</h1><p>The ship left at dawn.</p><h2>The crew</h2><p>All slept.</p>"),
        ("second.xhtml", "Storm", "<p>The wind rose&#160;fast.</p>"),
        ("third.xhtml", "Port", "<h1>Port</h1><p>満載喫水線</p>"),
    ]
    chapters = []
    for name, title, content in texts:
        chapter = epub.EpubHtml(title=title, file_name=f"text/{name}", lang="en")
        chapter.content = content
        book.add_item(chapter)
        chapters.append(chapter)
    book.toc = chapters
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    # The order of reading is not the order of the names.
    book.spine = ["nav", chapters[0], chapters[1], chapters[2]]
    epub.write_epub("book.epub", book)


paper()
hebrew()
japanese()
protect("locked.pdf", "secret", "secret")
protect("restricted.pdf", "", "secret")
report()
book()
