"""What mail programs write above a quoted mail, in many languages: it is trimmed, and the reply is not."""
# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

import pytest

from clearline.mail.format.reply_text import SplitReply, split_reply

WHO = "Support <support@example.net>"
GMAIL = {
    "English": f"On Sun, Mar 1, 2026 at 11:00 AM {WHO} wrote:",
    "English, United Kingdom": f"On Sun, 1 Mar 2026 at 11:00, {WHO} wrote:",
    "German": f"Am So., 1. März 2026 um 11:00 Uhr schrieb {WHO}:",
    "French": f"Le dim. 1 mars 2026 à 11:00, {WHO} a écrit :",
    "Spanish": f"El dom, 1 mar 2026 a las 11:00, {WHO} escribió:",
    "Portuguese": f"Em dom., 1 de mar. de 2026 às 11:00, {WHO} escreveu:",
    "Portuguese, Portugal": f"{WHO} escreveu (domingo, 1/03/2026 à(s) 11:00):",
    "Italian": f"Il giorno dom 1 mar 2026 alle ore 11:00 {WHO} ha scritto:",
    "Dutch": f"Op zo 1 mrt 2026 om 11:00 schreef {WHO}:",
    "Danish": f"Den søn. 1. mar. 2026 kl. 11.00 skrev {WHO}:",
    "Norwegian": f"søn. 1. mars 2026 kl. 11:00 skrev {WHO}:",
    "Swedish": f"Den sön 1 mars 2026 kl 11:00 skrev {WHO}:",
    "Finnish": f"su 1. maalisk. 2026 klo 11.00 {WHO} kirjoitti:",
    "Polish": f"niedz., 1 mar 2026 o 11:00 {WHO} napisał(a):",
    "Czech": f"ne 1. 3. 2026 v 11:00 odesílatel {WHO} napsal:",
    "Slovak": f"ne 1. 3. 2026 o 11:00 {WHO} napísal(a):",
    "Hungarian": f"{WHO} ezt írta (időpont: 2026. márc. 1., V, 11:00):",
    "Romanian": f"În dum., 1 mar. 2026 la 11:00, {WHO} a scris:",
    "Bulgarian": f"На нд, 1.03.2026 г. в 11:00 {WHO} написа:",
    "Russian": f"вс, 1 мар. 2026 г. в 11:00, {WHO}:",
    "Ukrainian": f"нд, 1 бер. 2026 р. о 11:00 {WHO} пише:",
    "Greek": f"Στις Κυρ 1 Μαρ 2026 στις 11:00 π.μ., ο χρήστης {WHO} έγραψε:",
    "Turkish": f"{WHO}, 1 Mar 2026 Paz, 11:00 tarihinde şunu yazdı:",
    "Hebrew": f"\u202b\u202aבתאריך יום א׳, 1 במרץ 2026 ב-11:00 מאת \u202a{WHO}\u202c\u200f:\u202c",
    "Arabic": "في الأحد، 1 مارس 2026 في 11:00 ص تمت كتابة ما يلي بواسطة "
    "\u202aSupport\u202c\u200f <\u202asupport@example.net\u202c\u200f>:",
    "Chinese": f"{WHO} 于2026年3月1日周日 11:00写道\uff1a",
    "Chinese, Taiwan": f"{WHO} 於 2026年3月1日 週日 上午11:00寫道\uff1a",
    "Japanese": f"2026年3月1日(日) 11:00 {WHO}:",
    "Korean": f"2026년 3월 1일 (일) 오전 11:00, {WHO}님이 작성:",
    "Thai": f"ในวันที่ อา. 1 มี.ค. 2026 เวลา 11:00 {WHO} เขียนว่า:",
    "Vietnamese": f"Vào CN, 1 thg 3, 2026 vào lúc 11:00 {WHO} đã viết:",
    "Indonesian": f"Pada Min, 1 Mar 2026 pukul 11.00 {WHO} menulis:",
    "Arabic digits": f"في الأحد، ١ مارس ٢٠٢٦ في ١١:٠٠ ص تمت كتابة ما يلي بواسطة {WHO}:",
    "Persian": f"در تاریخ یکشنبه ۱ مارس ۲۰۲۶، ۱۱:۰۰ {WHO} نوشت:",
    "Catalan": f"Missatge de {WHO} del dia dg., 1 de març 2026 a les 11:00:",
    "Croatian": f"ned, 1. ožu 2026. u 11:00 {WHO} napisao je:",
    "Serbian": f"нед, 1. мар 2026. у 11:00 {WHO} је написао/ла:",
    "Slovenian": f"V V ned., 1. mar. 2026 ob 11:00 je oseba {WHO} napisala:",
    "Lithuanian": f"2026-03-01, sk, 11:00 {WHO} rašė:",
    "Latvian": f"Svētd., 2026. g. 1. marts, plkst. 11:00 — lietotājs {WHO} rakstīja:",
    "Estonian": f"Kontakt {WHO} kirjutas kuupäeval P, 1. märts 2026 kell 11:00:",
    "Filipino": f"Noong Lin, Mar 1, 2026 nang 11:00 AM, sinulat ni {WHO} ang:",
    "Hindi": f"रवि, 1 मार्च 2026 को 11:00 am बजे को {WHO} ने लिखा:",
    "Afrikaans": f"Op So. 01 Mrt. 2026 om 11:00 het {WHO} geskryf:",
    "Malay": f"Pada Ahd, 1 Mac 2026 pada 11:00 PG {WHO} menulis:",
}
APPLE = {
    "English": f"On 1 Mar 2026, at 11:00, {WHO} wrote:",
    "English, no address": "On Mar 1, 2026, at 11:00 AM, Support wrote:",
    "German": f"Am 01.03.2026 um 11:00 schrieb {WHO}:",
    "German, no address": "Am 01.03.2026 um 11:00 schrieb Support:",
    "French": f"Le 1 mars 2026 à 11:00, {WHO} a écrit :",
    "Spanish": f"El 1 mar 2026, a las 11:00, {WHO} escribió:",
    "Portuguese": f"No dia 01/03/2026, às 11:00, {WHO} escreveu:",
    "Italian": f"Il giorno 1 mar 2026, alle ore 11:00, {WHO} ha scritto:",
    "Dutch": f"Op 1 mrt 2026, om 11:00 heeft {WHO} het volgende geschreven:",
    "Danish": f"Den 1. mar. 2026 kl. 11.00 skrev {WHO}:",
    "Norwegian": f"1. mar. 2026 kl. 11:00 skrev {WHO}:",
    "Swedish": f"1 mars 2026 kl. 11:00 skrev {WHO}:",
    "Finnish": f"{WHO} kirjoitti 1.3.2026 kello 11.00:",
    "Polish": f"Wiadomość napisana przez {WHO} w dniu 1 mar 2026, o godz. 11:00:",
    "Czech": f"1. 3. 2026 v 11:00, {WHO}:",
    "Russian": f"1 марта 2026 г., в 11:00, {WHO} написал(а):",
    "Turkish": f"{WHO} şunları yazdı (1 Mar 2026 11:00):",
    "Chinese": f"2026年3月1日 11:00\uff0c{WHO} 写道\uff1a",
    "Japanese": f"2026/03/01 11:00、{WHO}のメール:",
    "Korean": f"2026. 3. 1. 오전 11:00, {WHO} 작성:",
    "Arabic": f"في ١ مارس ٢٠٢٦، الساعة ١١:٠٠ ص، كتب/كتبت {WHO}:",
    "Hebrew": f"בתאריך 1 במרץ 2026, בשעה 11:00, {WHO} כתב/ה:",
    "Thai": f"เมื่อ 1 มี.ค. 2569 เวลา 11:00 {WHO} เขียนว่า:",
    "Hungarian": f"{WHO} írta (2026. márc. 1. dátummal, 11:00 időpontban):",
    "Greek": f"1 Μαρ 2026, 11:00, ο χρήστης «{WHO}» έγραψε:",
    "Croatian": f"{WHO} je u 1. 3. 2026., u 11:00 napisao/la:",
    "Catalan": f"El 1 març 2026, a les 11:00, {WHO} va escriure:",
}
OTHERS = {
    "Thunderbird": "On 01/03/2026 11:00, Support wrote:",
    "Thunderbird, ISO": "On 2026-03-01 11:00, Support wrote:",
    "Thunderbird, German": "Am 01.03.26 um 11:00 schrieb Support:",
    "Evolution": "On Sun, 2026-03-01 at 11:00 +0000, Support wrote:",
    "Roundcube": f"On 2026-03-01 11:00, {WHO} wrote:",
    "mutt": "On Sun, Mar 01, 2026 at 11:00:00AM +0000, Support wrote:",
    "Gnus": "Support <support@example.net> writes:",
    "Yahoo": f"On Sunday, March 1, 2026 at 11:00:00 AM UTC, {WHO} wrote:",
    "Proton": f"On Sunday, March 1st, 2026 at 11:00 AM, {WHO} wrote:",
    "GMT": f"2026-03-01 11:00 GMT+01:00 {WHO}:",
    "Malay": "Pada Ahd, 1 Mac 2026, Support <support@example.net> menulis:",
    "Claws": f"On Sun, 1 Mar 2026 11:00:12 +0000\n{WHO} wrote:",
    "Yandex": '01.03.2026, 11:00, "Support" <support@example.net>:',
    "mail.ru": f"Воскресенье, 1 марта 2026, 11:00 +03:00 от {WHO}:",
    "NetEase": '在 2026-03-01 11:00:12\uff0c"Support" <support@example.net> 写道\uff1a',
    "wrapped": "On Sun, 1 Mar 2026 at 11:00, The support of Example Networks Limited <\nsupport@example.net> wrote:",
    "wrapped twice": "Le 1 mars 2026 à 11:00, Le support d'Example Networks\n<support@example.net>\na écrit :",
    "broken in the address": 'Am 01.03.2026 11:00 schrieb "Support" <support@example.net\n>:',
}
FIELDS = {
    "English": ("From", "Sent", "To", "Subject"),
    "German": ("Von", "Gesendet", "An", "Betreff"),
    "French": ("De", "Envoyé", "À", "Objet"),
    "Spanish": ("De", "Enviado el", "Para", "Asunto"),
    "Portuguese": ("De", "Enviada em", "Para", "Assunto"),
    "Italian": ("Da", "Inviato", "A", "Oggetto"),
    "Dutch": ("Van", "Verzonden", "Aan", "Onderwerp"),
    "Danish": ("Fra", "Sendt", "Til", "Emne"),
    "Norwegian": ("Fra", "Sendt", "Til", "Emne"),
    "Swedish": ("Från", "Skickat", "Till", "Ämne"),
    "Finnish": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "Polish": ("Od", "Wysłano", "Do", "Temat"),
    "Czech": ("Od", "Odesláno", "Komu", "Předmět"),
    "Slovak": ("Od", "Odoslané", "Komu", "Predmet"),
    "Hungarian": ("Feladó", "Elküldve", "Címzett", "Tárgy"),
    "Romanian": ("De la", "Trimis", "Către", "Subiect"),
    "Bulgarian": ("От", "Изпратено", "До", "Относно"),
    "Russian": ("От", "Отправлено", "Кому", "Тема"),
    "Ukrainian": ("Від", "Надіслано", "Кому", "Тема"),
    "Greek": ("Από", "Εστάλη", "Προς", "Θέμα"),
    "Turkish": ("Kimden", "Gönderildi", "Kime", "Konu"),
    "Chinese": ("发件人", "发送时间", "收件人", "主题"),
    "Chinese, Taiwan": ("寄件者", "傳送日期", "收件者", "主旨"),
    "Japanese": ("差出人", "送信日時", "宛先", "件名"),
    "Korean": ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    "Vietnamese": ("Từ", "Đã gửi", "Đến", "Chủ đề"),
    "Estonian": ("Saatja", "Saatmisaeg", "Adressaat", "Teema"),
    "Hindi": ("प्रेषक", "भेजा गया", "प्रति", "विषय"),
    "Serbian": ("Од", "Послато", "За", "Наслов"),
    "Albanian": ("Nga", "Dërguar", "Për", "Subjekti"),
}
WITHOUT_MARKS = GMAIL | {name: line for name, line in APPLE.items() if "address" not in name}
"""These have an address, a date, a time, and the shape that programs give them."""

LINES = [(f"Gmail, {name}", line) for name, line in GMAIL.items()]
LINES += [(f"Apple Mail, {name}", line) for name, line in APPLE.items()] + list(OTHERS.items())


@pytest.mark.parametrize("line", [line for _, line in LINES], ids=[name for name, _ in LINES])
@pytest.mark.parametrize("blank", ["\n", "\n\n"])
def test_an_attribution_above_a_quote_is_trimmed(line: str, blank: str) -> None:
    quote = f"{line}{blank}> We look into it.\n>\n> Is it the optic?"
    reply = split_reply(f"It is the optic.\n\n{quote}")
    assert reply.text == "It is the optic."
    assert reply.trimmed.replace("\n", "") == quote.replace("\n", "")


@pytest.mark.parametrize("line", [line for _, line in LINES], ids=[name for name, _ in LINES])
def test_an_attribution_above_a_reply_below_its_quote_is_trimmed(line: str) -> None:
    assert split_reply(f"{line}\n> Is it the optic?\n\nIt is the optic.").text == "It is the optic."


@pytest.mark.parametrize("mark", ["{}: ", "{} : ", "{}\uff1a ", "*{}:* "])
@pytest.mark.parametrize("language", FIELDS)
def test_the_fields_above_a_quote_are_trimmed(language: str, mark: str) -> None:
    values = (WHO, "Sunday, 1 March 2026 11:00", "Ada Okoro", "Port is slow")
    fields = "\n".join(mark.format(label) + value for label, value in zip(FIELDS[language], values, strict=True))
    quote = f"________________________________\n{fields}\n\nWe look into it."
    assert split_reply(f"It is the optic.\n\n{quote}") == SplitReply("It is the optic.", quote)


@pytest.mark.parametrize("line", WITHOUT_MARKS.values(), ids=WITHOUT_MARKS)
def test_an_attribution_above_a_quote_without_marks_is_trimmed(line: str) -> None:
    quote = f"{line}\n\nWe look into it.\n\nIs it the optic?"
    assert split_reply(f"It is the optic.\n\n{quote}") == SplitReply("It is the optic.", quote)


@pytest.mark.parametrize("words", ["Původní e-mail", "Ursprüngliche E-Mail", "Original email", "Oryginalny e-mail"])
def test_words_between_dashes_above_a_quote_are_trimmed(words: str) -> None:
    quote = f"---------- {words} ----------\nOd: {WHO}\n\nWe look into it."
    assert split_reply(f"It is the optic.\n\n{quote}") == SplitReply("It is the optic.", quote)
