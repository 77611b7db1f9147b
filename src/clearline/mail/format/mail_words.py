"""The words of mail programs in many languages: what introduces a quoted or forwarded mail, and what closes a letter.

All words are case-folded. The labels are those of Outlook, Gmail, Apple Mail, Thunderbird and webmail.
"""
# ruff: noqa: RUF001 - letters of other scripts look like Latin ones


def _words(text: str) -> frozenset[str]:
    return frozenset(" ".join(word.casefold().split()) for word in text.split(",") if word.strip())


FROM_LABELS = _words(
    """
    from, von, de, da, van, fra, från, lähettäjä, od, feladó, de la, expéditeur, remitente, mittente, afzender,
    remetente, от, отправитель, від, відправник, από, kimden, gönderen, מאת, من, 发件人,
    寄件者, 寄件人, 差出人, 送信者, 보낸 사람, 보낸사람, từ, người gửi, จาก, dari, saatja, kellelt, no, nuo,
    izpošiljatelj, pošiljatelj, šalje, frá, nadawca, avsändare, avsender, afsender, odesílatel, odosielateľ,
    expeditor, подател, از, pengirim, o, gan, ó, din, प्रेषक, од, шаље, nga, nork
    """
)
DATE_LABELS = _words(
    """
    sent, date, gesendet, gesendet am, datum, envoyé, envoyé le, date d'envoi, enviado, enviado el, enviado em,
    enviada em, fecha, data, inviato, inviato il, verzonden, dato, sendt, skickat, skickades, lähetetty, päivämäärä,
    päiväys, wysłano, data wysłania, wysłane, odesláno, odoslané, dátum, elküldve, küldve, trimis,
    trimis la, изпратено, изпратен, дата, отправлено, дата отправки,
    надіслано, εστάλη, ημερομηνία, στάλθηκε, gönderildi, gönderilme tarihi,
    gönderme tarihi, tarih, נשלח, תאריך, التاريخ, تاريخ الإرسال, تم الإرسال, أرسلت, 发送时间, 发送日期, 时间, 日期,
    傳送, 傳送日期, 寄件日期, 已傳送, 送信日時, 日時, 日付, 送信日, 보낸 날짜, 날짜, 보낸날짜, đã gửi, ngày,
    thời gian, ส่ง, วันที่, ส่งเมื่อ, dikirim, tanggal, tarikh, dihantar, saadetud, kuupäev, nosūtīts, datums,
    išsiųsta, poslano, poslané, enviat, sent at, sendt den, تاریخ, ارسال شده, saatmisaeg,
    भेजा गया, दिनांक, poslato, послато, датум, испратено, dërguar, bidalia
    """
)
TO_LABELS = _words(
    """
    to, an, à, a, para, aan, til, till, vastaanottaja, do, komu, címzett, către, до, кому, προς, kime,
    alıcı, אל, إلى, ل, 收件人, 收件者, 宛先, 받는 사람, 받는사람, tới, đến, người nhận, ถึง, kepada, ke, za,
    saaja, kellele, kam, per a, per, destinataire, destinatario, ontvanger, kopie, mottagare, mottaker, modtager,
    adresat, príjemca, příjemce, prejemnik, prima, к, به, 至, adressaat, प्रति, за, прима, коме,
    për, nori
    """
)
SUBJECT_LABELS = _words(
    """
    subject, betreff, objet, sujet, asunto, assunto, oggetto, onderwerp, emne, ämne, aihe, temat, předmět, predmet,
    tárgy, subiect, относно, тема, θέμα, konu, נושא, الموضوع, 主题, 主旨, 件名, 제목, chủ đề,
    tiêu đề, เรื่อง, หัวเรื่อง, subjek, perihal, teema, temats, tema, zadeva, assumpte, naslov, efni, موضوع, pwnc,
    विषय, наслов, предмет, subjekti, gaia
    """
)
"""The labels of the fields above a quoted mail."""

WROTE = _words(
    """
    wrote, writes, wrote on, sent, schrieb, geschrieben, schreibt, écrit, ecrit, escribió, escribio, escrito,
    escribiste, escreveu, ha scritto, scrive, scritto, schreef, geschreven, skrev, skriver, kirjoitti, napisał,
    napisała, pisze, napsal, napsala, napísal, napísala, írta, a scris, написал, написала,
    пишет, пише, написа, написав, έγραψε, έγραψαν, yazdı, כתב, כתבה, نوشت, كتب,
    كتبت, 写道, 寫道, 書きました, のメッセージ, 작성, 썼습니다, viết, เขียน, menulis, kirjutas, rakstīja, rašė,
    napisao, napisala, je napisal, escrigué, va escriure, skrifaði, ysgrifennodd, scríobh, написао,
    missatge de, sinulat ni, ने लिखा, idatzi, escribiu, geskryf, aliandika, تمت كتابة, מאת, shkroi, пишува
    """
)
"""What stands between the date and the name above a quoted mail."""

ANSWERS_INSIDE = _words(
    """
    see below, see inline, inline, answers below, answer below, comments below, replies below, responses below,
    reply below, in red, in blue, in green, siehe unten, s. unten, antworten unten, antwort unten, im text,
    voir ci-dessous, réponses ci-dessous, dans le texte, ver abajo, respuestas abajo, ver abaixo, vedi sotto,
    risposte sotto, zie onder, zie hieronder, se nedan, se nedenfor, patrz poniżej, viz níže, см. ниже,
    見下記, 下記参照, 见下文, 见下方, my answers, my comments, my replies, my remarks, meine antworten,
    meine kommentare, meine anmerkungen, mes réponses, mes commentaires, mis respuestas, mis comentarios,
    minhas respostas, meus comentários, le mie risposte, mijn antwoorden, mina svar, mine svar, мои ответы
    """
)
"""What says that somebody wrote into the quoted mail."""

ANSWERS = _words(
    """
    answer, comment, reply, replies, response, remark, antwort, kommentar, anmerkung, réponse, commentaire, respuesta,
    comentario, resposta, comentário, rispost, antwoord, opmerking, svar, vastau, odpowied, odpověd, odpoved, ответ,
    комментари, yanıt, cevap, 回答, コメント, 回复, 답변
    """
)
PLACES_INSIDE = _words(
    """
    below, inline, in-line, in line, in the text, within the text, between the lines, in between, in capitals,
    in caps, in bold, in italics, in red, in blue, in green, in color, in colour, unten, im text, dazwischen, fett,
    in rot, in blau, ci-dessous, dans le texte, en rouge, en bleu, abajo, en el texto, en rojo, en azul, abaixo,
    no texto, sotto, nel testo, in rosso, hieronder, in de tekst, in rood, nedan, nedenfor, i texten, poniżej, níže,
    nižšie, ниже, aşağıda, 以下, 下面, 아래
    """
)
"""Words that say the same, one of each together."""

SALUTATIONS = _words(
    """
    hello, hi, hey, dear, good morning, good afternoon, good evening, greetings, hallo, guten tag, guten morgen, moin,
    servus, grüezi, liebe, lieber, liebes, sehr geehrte, sehr geehrter, bonjour, bonsoir, salut, cher, chère, chers,
    madame, monsieur, hola, buenos días, buenas tardes, estimado, estimada, estimados, olá, bom dia, boa tarde,
    prezado, prezada, prezados, caro, cara, ciao, buongiorno, gentile, gentili, spett, beste, geachte, goedemorgen,
    goedemiddag, hej, hei, kære, kjære, bästa, god dag, hyvä, cześć, dzień dobry, szanowni, szanowny, witam, dobrý den,
    dobrý deň, vážený, vážení, tisztelt, kedves, bună ziua, stimate, здравствуйте, добрый день, привет, уважаемые,
    доброго дня, вітаю, καλημέρα, merhaba, sayın, שלום, مرحبا, السلام عليكم, 你好, 您好, こんにちは,
    お世話になっております, 안녕하세요, xin chào, สวัสดี
    """
)
"""How a letter begins."""

ORIGINAL_MESSAGE = _words(
    """
    original message, original mail, original appointment, reply message, quoted message, ursprüngliche nachricht,
    originalnachricht, original-nachricht, antwort nachricht, urspr. nachricht, message d'origine, message original,
    mensaje original, mensagem original, messaggio originale, oorspronkelijk bericht, origineel bericht,
    oprindelig meddelelse, den oprindelige meddelelse, ursprungligt meddelande, originalmeddelande,
    opprinnelig melding, alkuperäinen viesti, wiadomość oryginalna, oryginalna wiadomość, původní zpráva,
    pôvodná správa, eredeti üzenet, mesaj original, mesajul original, исходное сообщение,
    оригинальное сообщение, вихідне повідомлення,
    оригинално съобщение, αρχικό μήνυμα, özgün ileti, orijinal mesaj, asıl ileti,
    הודעה מקורית, ההודעה המקורית, الرسالة الأصلية, 原始邮件, 原邮件, 原始郵件, 原始訊息, 元のメッセージ,
    원본 메시지, 원본 메일, thư gốc, tin nhắn gốc, ข้อความต้นฉบับ, pesan asli, mesej asal, algne kiri,
    originalo ziņojums, izvorna poruka, izvorno sporočilo, missatge original, upphaflegt skeyti,
    original e-mail, original email, původní e-mail, původní email, původní mail, pôvodný e-mail, ursprüngliche e-mail,
    ursprüngliche mail, courriel d'origine, message initial, correo original, e-mail original, e-mail originale,
    oorspronkelijke e-mail, ursprungligt mejl, oryginalny e-mail, eredeti e-mail, исходное письмо
    """
)
"""What stands between dashes above a quoted mail."""

FORWARDED = _words(
    """
    forwarded, fwd message, weitergeleitet, transféré, transfere, réexpédié, reenviado, encaminhad, inoltrat,
    doorgestuurd, videresend, videresendt, vidarebeford, välitetty, edelleenlähetetty, przekazan, przesłan,
    přeposl, preposlan, továbbít, redirecționat, redirectionat, пересланн, пересылаем,
    пересилан, препратен, προωθημέν, iletilen, yönlendirilen, הועברה, מועברת,
    المعاد توجيهها, محولة, 转发, 轉寄, 转寄, 転送, 전달된, chuyển tiếp, ส่งต่อ, diteruskan, edastatud, pārsūtīt,
    persiųst, proslijeđen, proslije, posredovan, reenviat
    """
)
"""Parts of the lines that introduce a forwarded mail."""

CLOSINGS = _words(
    """
    regards, best regards, kind regards, warm regards, best, all the best, best wishes, many thanks, thanks,
    thank you, thanks and regards, thanks & regards, thx, cheers, sincerely, yours sincerely, yours faithfully, br,
    rgds, brgds, mit freundlichen grüßen, mit freundlichen gruessen, mit freundlichem gruß, freundliche grüße,
    freundliche grüsse, mit besten grüßen, viele grüße, viele gruesse, beste grüße, liebe grüße,
    schöne grüße, grüße, gruß, danke, vielen dank, mfg, lg, vg, cordialement, bien cordialement, salutations,
    meilleures salutations, merci, bonne journée, bien à vous, saludos, un saludo, saludos cordiales, atentamente,
    cordialmente, gracias, muchas gracias, cumprimentos, obrigado, obrigada, atenciosamente,
    com os melhores cumprimentos, cordiali saluti, distinti saluti, saluti, grazie, met vriendelijke groet,
    met vriendelijke groeten, vriendelijke groet, groeten, hartelijke groeten, bedankt, mvg, med venlig hilsen,
    venlig hilsen, hilsen, mvh, bedste hilsner, med vennlig hilsen, vennlig hilsen, med vänliga hälsningar,
    med vänlig hälsning, vänliga hälsningar, hälsningar, bästa hälsningar, ystävällisin terveisin, terveisin,
    kiitos, z poważaniem, pozdrawiam, dziękuję, s pozdravem, s úctou, děkuji, děkujeme, s přáním hezkého dne,
    s pozdravom, ďakujem, üdvözlettel, köszönettel, cu stima, cu stimă, mulțumesc, с уважением,
    с наилучшими пожеланиями, спасибо, з повагою, дякую,
    с уважение, поздрави, με εκτίμηση, ευχαριστώ, saygılarımla, iyi çalışmalar,
    teşekkürler, בברכה, תודה, مع التحية, مع أطيب التحيات, شكرا, 此致, 敬礼, 谢谢, 祝好, 謝謝, 敬上,
    よろしくお願いします, よろしくお願いいたします, 敬具, 감사합니다, 고맙습니다, trân trọng, cảm ơn,
    ขอแสดงความนับถือ, ขอบคุณ, salam, hormat saya, terima kasih, lugupidamisega, ar cieņu, pagarbiai, lijep pozdrav,
    s poštovanjem, lep pozdrav, hvala, atentament, gràcies
    """
)
"""Phrases that close a letter, without the comma."""

POSTSCRIPTS = _words(
    """
    post scriptum, post-scriptum, postscriptum, postscript, pd, p.d, posdata, nachtrag, übrigens, dopisek, dovětek, ui,
    utóirat, jälkikirjoitus, ek not, addendum, one more thing, also, υγ, υ.γ, зы, з.ы, 追伸, 二伸, 又及, 附言, 추신,
    נ.ב, ملاحظة
    """
)
"""What a postscript begins with, before a colon."""

SENT_FROM = _words(
    """
    sent from, sent with, sent via, sent wirelessly from, get outlook for, sent using, gesendet von, gesendet mit,
    von meinem, outlook für, envoyé de, envoyé depuis, envoyé à partir de, télécharger outlook,
    obtenir outlook, enviado desde, enviado de, enviado do, enviado a partir, obtener outlook, obter o outlook,
    inviato da, inviato dal, scarica outlook, verzonden vanaf, verzonden met, verstuurd vanaf, outlook voor,
    sendt fra, hent outlook, skickat från, hämta outlook, lähetetty, hanki outlook, wysłano z, wysłane z,
    pobierz outlook, odesláno z, odoslané z, elküldve, trimis de pe, отправлено с,
    отправлено из, надіслано з, изпратено от, στάλθηκε από, iphone'umdan,
    gönderildi, נשלח מ, أرسلت من, أُرسلت من, 发自, 從我的, 从我的, sendt frá, 自我的, iphoneから送信, ipadから送信,
    나의 iphone, iphone에서, ipad에서, gửi từ, ส่งจาก, dikirim dari, dihantar dari, saadetud minu, nosūtīts no,
    išsiųsta iš, poslano s, poslano sa, poslano z, enviat des
    """
)
"""What the line has that a phone or a program adds below a mail."""

DEVICES = _words(
    """
    iphone, ipad, ipod, android, blackberry, galaxy, samsung, huawei, xiaomi, oneplus, nokia, htc, motorola, sony,
    xperia, windows phone, windows 10, windows mail, mobile, mobil, phone, handy, smartphone, tablet, telefon,
    teléfono, telefone, telefono, téléphone, móvil, movil, portable, cellulare, puhelime, outlook, yahoo, gmail,
    aol, hotmail, proton, mailbox, thunderbird, airmail, spark, mail for, ios, device, gerät, terminal, dispositivo,
    telefonu, телефон, смартфон, мобил, яндекс, mail.ru, 手机, 行動, 휴대폰, 携帯, watch,
    mac, gmx, web.de, zoho, acompli, nine, bluemail, treo, lumia, wireless
    """
)
"""The devices and programs that such a line names."""
