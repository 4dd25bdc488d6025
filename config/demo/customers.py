"""Who the demo company's customers are, and what they ordered: the same on every machine."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

_PEOPLE: Final = [
    ("Maria Keller", "maria.keller@example.com", "silver", "Lindenweg 4, 8001 Zürich", None),
    ("Sean O'Connor", "sean.oconnor@example.ie", "gold", "12 Merrion Row, Dublin 2", "Prefers to be called."),
    ("Anna Schmidt", "anna.schmidt@example.de", "standard", "Hauptstraße 17, 50667 Köln", None),
    ("Anna Schmidt", "a.schmidt@example.at", "silver", "Mariahilfer Straße 88, 1070 Wien", None),
    ("José Álvarez", "jose.alvarez@example.es", "standard", "Calle de Alcalá 120, 28009 Madrid", None),
    ("佐藤 花子", "hanako.sato@example.jp", "gold", "東京都渋谷区神南1-2-3", "Writes in Japanese or English."),
    ("Пётр Иванов", "petr.ivanov@example.org", "standard", "ул. Рубинштейна 9, Санкт-Петербург", None),
    ("ليلى حداد", "layla.haddad@example.com", "silver", "شارع الحمراء 45، بيروت", None),
    ("Zoë D'Angelo", "zoe.dangelo@example.it", "standard", "Via Garibaldi 7, 16124 Genova", ""),
    ("Jean-Luc Moreau", "jl.moreau@example.fr", "silver", "3 rue des Lilas, 69003 Lyon", None),
    ("Nguyễn Thị Lan", "lan.nguyen@example.vn", "standard", "21 Hàng Bạc, Hà Nội", None),
    ("Olúwaṣeun Adé", "seun.ade@example.ng", "standard", "8 Broad Street, Lagos", None),
    ("Łukasz Wójcik", "lukasz.wojcik@example.pl", "silver", "ul. Długa 5, 31-147 Kraków", None),
    ("Ingrid Åström", "ingrid.astrom@example.se", "gold", "Storgatan 2, 111 23 Stockholm", "Invoices by post."),
    ("Şebnem Yılmaz", "sebnem.yilmaz@example.com.tr", "standard", "İstiklal Cd. 50, İstanbul", None),
    ("Ελένη Παππά", "eleni.pappa@example.gr", "standard", "Ερμού 10, Αθήνα", None),
    ("王小明", "xiaoming.wang@example.cn", "silver", "上海市南京西路100号", None),
    ("김민지", "minji.kim@example.kr", "standard", "서울특별시 종로구 1", None),
    ("Priya Raghunathan", "priya.r@example.in", "gold", "14 MG Road, Bengaluru", None),
    ("John Smith", "john.smith@example.com", "standard", "1 High Street, Leeds", None),
    ("John Smith", "jsmith@example.org", "standard", "77 Elm Avenue, Portland", "Not the one in Leeds."),
    ("John Smith", "john@smith.example", "silver", "5 Bay Street, Toronto", None),
    ("Siobhán Ní Bhriain", "siobhan@example.ie", "standard", "Shop Street, Galway", None),
    ("Renée Dubois", "renee.dubois@example.be", "silver", "Rue Haute 33, 1000 Bruxelles", None),
    ("Thabo M'Bokani", "thabo.mbokani@example.co.za", "standard", "9 Long Street, Cape Town", None),
    ("Ana Clara de Souza", "ana.souza@example.com.br", "silver", "Rua Augusta 900, São Paulo", None),
    ("Kaʻiulani Kealoha", "kai.kealoha@example.com", "standard", "Kalākaua Avenue 1, Honolulu", None),
    ("Björn Þórsson", "bjorn@example.is", "standard", "Laugavegur 30, Reykjavík", None),
    ("Miroslav Dvořák", "m.dvorak@example.cz", "standard", "Národní 12, Praha", None),
    ("דוד לוי", "david.levi@example.co.il", "silver", "רחוב הרצל 3, תל אביב", None),
    ("Fatima az-Zahra", "fatima.zahra@example.ma", "standard", "Rue Bab Doukkala 6, Marrakech", None),
    ("Tomás Ó Sé", "tomas.ose@example.ie", "standard", "Main Street, Dingle", None),
    ("Emily Clarke", "emily.clarke@example.co.uk", "gold", "Flat 2, 40 Park Lane, London", "Key account."),
    ("Emily Clarke-Jones", "emily.cj@example.co.uk", "standard", "4 Mill Road, Cambridge", None),
    ("Marek Novák", "marek.novak@example.sk", "standard", "Hlavná 1, Košice", None),
    ("Giulia De Santis", "giulia.desantis@example.it", "silver", "Piazza Navona 20, Roma", None),
    ("Henrik Sørensen", "henrik@example.dk", "standard", "Nørregade 14, København", None),
    ("X Æ Li", "x@example.net", "standard", "", None),
    ("Wolfeschlegelsteinhausenbergerdorff Hubert", "hubert@example.com", "standard", "Elbchaussee 1, Hamburg", None),
    ("Lúcia Ferreira", "lucia.ferreira@example.pt", "silver", "Rua do Carmo 15, Lisboa", None),
]
_ITEMS: Final = ["Desk lamp", "Office chair", "Standing desk", "Monitor arm", "Notebook set", "Headset"]
_STATES: Final = ["paid", "shipped", "shipped", "returned"]

CUSTOMERS: Final = [
    (1001 + index, name, email, tier, address, note, Decimal((index * 7919) % 50_000) / 100)
    for index, (name, email, tier, address, note) in enumerate(_PEOPLE)
]
ORDERS: Final = [
    (
        50_001 + index,
        1001 + (index * 7) % len(_PEOPLE),
        date(2026, 1, 5) + timedelta(days=(index * 11) % 280),
        _ITEMS[index % len(_ITEMS)],
        Decimal(1_990 + (index * 4_327) % 40_000) / 100,
        _STATES[index % len(_STATES)],
    )
    for index in range(60)
]
