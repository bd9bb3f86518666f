"""Why an upload is not taken. The front door and the decoders raise these; the clerk reads them."""

from __future__ import annotations

from villagecall.errors import Conflict, Refusal


class ScanRefusal(Refusal):
    status = 422
    todo_zh = "请换一个文件,或重新扫描这份材料。"
    todo_en = "Choose another file, or scan the paper again."


class EmptyFile(ScanRefusal):
    code = "empty_file"
    zh = "这个文件是空的。"
    en = "The file is empty."


class NotAnImage(ScanRefusal):
    code = "not_an_image"
    zh = "这不是图片或 PDF,打不开。"
    en = "This is neither a picture nor a PDF."
    todo_zh = "请选 JPG、PNG、TIFF 或 PDF 文件。"
    todo_en = "Choose a JPEG, PNG, TIFF or PDF."


class PhonePhoto(NotAnImage):
    """HEIF (ISO/IEC 23008-12), which Apple's telephones write unless told otherwise."""

    code = "phone_photo"
    zh = "这是苹果手机的 HEIC 照片,这里打不开。"
    en = "This is a HEIC photo of an Apple telephone, which cannot be opened here."
    todo_zh = "请在手机的「设置 → 相机 → 格式」里选「兼容性最佳」再拍一张,或者用高拍仪、扫描仪扫一遍。"
    todo_en = "Choose Settings, Camera, Formats, Most Compatible on the telephone and take it again, or scan the paper."


class OfficeFile(NotAnImage):
    code = "office_file"
    zh = "这是 Word、WPS 或表格文件,不是扫描件。"
    en = "This is a word processor's file or a spreadsheet, not a scan."
    todo_zh = "请打印出来签好字再扫描,或者在 WPS 里「另存为」PDF。"
    todo_en = "Print it, have it signed and scan it, or save it as PDF."


class OtherPicture(NotAnImage):
    code = "other_picture"
    zh = "{format} 格式的图片不收。"
    en = "Pictures in {format} format are not taken."
    todo_zh = "请用看图软件「另存为」JPG,或重新扫描成 JPG。"
    todo_en = "Save it as JPEG, or scan the paper again as JPEG."


class Truncated(ScanRefusal):
    code = "truncated"
    zh = "这个文件不完整,可能没有传完或已损坏。"
    en = "The file is incomplete or damaged."


class NothingToReplace(ScanRefusal):
    """The page is of another case or another material, was replaced already, or taken out."""

    code = "nothing_to_replace"
    zh = "要替换的那一页已经不在这份材料里了(可能已经换过或删掉了)。"
    en = "The page to be replaced is not in this material any more (it may have been replaced or removed)."
    todo_zh = "请看一下这份材料现在有哪些页,再决定要不要重新扫描。"
    todo_en = "Look at the pages this material has now, then decide whether to scan again."


class WrongOffset(Conflict):
    """A piece that does not begin where the upload ends. tus 1.0 asks for 409; whoever sends looks and goes on."""

    code = "wrong_offset"
    zh = "这一段和已经收到的接不上。"
    en = "This piece does not begin where what has arrived ends."
    todo_zh = "不用重新选文件:页面会先查到已经收到多少,再自动接着传。"
    todo_en = "Nothing to choose again: the page asks how much has arrived, and goes on from there by itself."


class TooManyPixels(ScanRefusal):
    code = "too_many_pixels"
    zh = "这张图片太大({width} × {height} 点)。"
    en = "The picture is too large ({width} × {height} pixels)."
    todo_zh = "请用 300 dpi 重新扫描。"
    todo_en = "Scan it again at 300 dpi."


class TooManyPages(ScanRefusal):
    code = "too_many_pages"
    zh = "这个文件超过 {limit} 页。"
    en = "The file has more than {limit} pages."
    todo_zh = "请分成几个文件上传。"
    todo_en = "Split it into several files."


class ActivePdf(ScanRefusal):
    code = "pdf_active_content"
    zh = "这个 PDF 里有脚本或附件,不能收。"
    en = "The PDF carries scripts or attachments."
    todo_zh = "请打印后扫描,或另存为图片再上传。"
    todo_en = "Print and scan it, or save it as pictures."


class LockedPdf(ScanRefusal):
    code = "pdf_locked"
    zh = "这个 PDF 设了密码,打不开。"
    en = "The PDF is protected by a password."
    todo_zh = "请去掉密码,或打印后扫描。"
    todo_en = "Remove the password, or print and scan it."


class WorkerLost(ScanRefusal):
    code = "unreadable"
    zh = "这个文件处理不了(太复杂或已损坏)。"
    en = "The file cannot be processed (too complex, or damaged)."
    todo_zh = "请重新扫描这份材料。"
    todo_en = "Scan the paper again."


REFUSALS: dict[str, type[ScanRefusal]] = {
    kind.code: kind
    for kind in (
        EmptyFile,
        NotAnImage,
        PhonePhoto,
        OfficeFile,
        OtherPicture,
        Truncated,
        TooManyPixels,
        TooManyPages,
        ActivePdf,
        LockedPdf,
        WorkerLost,
    )
}
