"""Word lists that made-up people and companies are put together from. Any likeness is chance."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace("_", " ") for text in text.split())


GIVEN = {
    "DE": _words("""
        Adele Alwin Amalie Anselm Antonia Arvid Beate Benno Berit Bodo Burkhard Cäcilie Clemens Cosima Dagmar
        Dagobert Dörte Edda Egon Eike Elfriede Elmar Emma Ernst Estelle Ewald Fabian Falk Fenja Florentine Folke
        Franziska Friedel Gerlinde Gero Gesine Gisbert Golo Gunda Hagen Hanno Hedda Heike Helge Henrike Hilde
        Holger Ida Ilka Imke Ingo Insa Irmgard Isolde Jannis Jasper Jette Joachim Johanna Jolanda Kai Kaspar
        Katinka Klaas Konrad Kuno Lale Lasse Leonie Levin Lina Lotte Ludger Luise Magnus Malte Mareike Marlene
        Mathilda Merle Mirko Nele Niklas Nora Odilo Okko Ortrun Oskar Ottilie Pia Philo Raban Ragna Reinhild
        Rieke Roland Ronja Rüdiger Runa Ruprecht Sarah Selma Siegbert Silja Sönke Svea Swantje Tamme Tilda Thilo
        Till Timo Tjark Traute Ulrike Urs Uta Veit Vera Viola Volker Wanda Wenzel Wiebke Wido Xaver Yara Zoe
        Çelik Emre Aylin Milan Zofia
    """),
    "GB": _words("""
        Abel Agatha Alastair Amabel Angus Arabella Archie Aubrey Barnaby Beatrix Bertie Bronwen Callum Cecily
        Cedric Clementine Clive Cordelia Crispin Cuthbert Daphne Desmond Dilys Dorcas Dougal Edith Edmund Eleri
        Elspeth Emrys Enid Esme Euan Felicity Fergus Finlay Flora Gareth Gemma Giles Glenys Gwen Hamish Harriet
        Hector Hester Horace Hugo Imogen Iona Isla Ivor Jemima Jethro Jocelyn Kenneth Kirsty Lachlan Leander
        Lettice Lionel Lorna Lowri Mabel Malcolm Marigold Maud Mavis Merlin Mungo Muriel Nerys Nigel Noreen
        Olive Orlando Oswald Percy Petra Philippa Piers Primrose Quentin Rhiannon Rory Rosalind Rowan Rupert
        Sabrina Seren Silas Sorcha Stanley Sybil Tabitha Tamsin Tegan Thaddeus Theodora Tristan Una Ursula
        Verity Vernon Wilfred Winifred Amara Priya Rohan Kwame Zainab Oluwaseun
    """),
}

FAMILY = {
    "DE": _words("""
        Abendroth Ackerblum Albersfeld Altenbruck Amselgrund Apfelstedt Auerswald Bachmaier Bärenfänger
        Baumgartner-Lüth Bernsteiner Binsenkamp Birkenau Blaufuß Bornemann Brückner Buchenried Dammers Deichgraf
        Distelkamp Dornbusch Drosselmeier Ebersbach Eichelkraut Eisvogel Elsterwerda Erlenkamp Eschenbach
        Falkenrath Farnholz Federspiel Feldhaus Fichtner Finkenwerder Fliedner Föhrenbach Frostig Fuchsbauer
        Ginsterberg Glühwurm Goldammer Grashoff Grünspan Habichtsee Haferkorn Hagebutt Haselhuhn Heidenreich
        Herbstlaub Himmelreich Hochwart Holunder Honigmann Hopfengart Igelmund Immenhof Kaltenborn Kastanien
        Kiebitz Kieselbach Kirschbaum Kleehoff Kornblum Krähenwinkel Kranich Lautensack Lavendel Lerchenau
        Lichtermann Lindenlaub Löwenzahn Luchsinger Mäusebusch Marderstein Meisenbach Mispelbaum Mohnblum
        Moosbrugger Mühlenbrock Nachtweih Nebelung Nelkenbrecher Nussbaumer Otterbach Pappelreuther Pfifferling
        Quellmalz Quittenbaum Rabenhorst Rauchfuß Regenpfeifer Rittersporn Roggenkamp Rosenstengel Rotkehl
        Salbeier Sanddorn Schachtelhalm Schilfgart Schlehdorn Schneeweiß Schwalbe Seerosner Silberdistel
        Sonnentau Spechtler Sperling Steinklee Sternberger Storchner Strandhafer Tannhäuser Taubenschlag
        Tausendschön Thymian Torfmoos Uferschwalb Veilchenfeld Wacholder Waldkauz Wegerich Weidenbach Weißdorn
        Wiesenhüter Wildrose Windhager Winterling Zaunkönig Zeisig Zirbelnuss Zitterpappel
    """),
    "GB": _words("""
        Abbotsleigh Alderwick Applethwaite Ashcombe Barleymow Beckworth Birchgrove Blackthorn Bluebell Bracken
        Bramblewood Brightwater Brockhurst Butterwick Campion Catterick-Rowe Cloudsley Cobblestone Cowslip
        Cranbourne Curlew Dandelyon Dewsnap Dovecote Drystone Dunnock Eddowes Elderfield Fallowfield
        Featherstone Fennimore Fernsby Fiddlewood Finchley Foxglove Furlong Gatherwood Goosefoot Gorsedale
        Greenhalgh Greywether Halfpenny Harebell Hartshorn Hawksworth Hazelwood Heatherington Hedgerow Hemlocke
        Hollyoak Honeychurch Inglenook Ivywell Kestrel Kingcup Kittiwake Lapwing Larksong Leatherbarrow Linnet
        Lovage Marchbanks Marjoram Marlpit Meadowcroft Merriweather Millbeck Mistletoe Moorcock Mossbury
        Nettleship Nightingale Oakapple Oldroyd Orchardson Otterburn Owlsworth Paddock Partridge Pebblewick
        Penhallow Periwinkle Pettigrew Plumtree Puddifoot Quickthorn Ravenscroft Redshank Riverhead Rookwood
        Rosehip Rushbrook Sandpiper Saxifrage Sedgewick Shearwater Silverthorne Skylark Snowdrop Sorrel
        Sparrowhawk Starling Stillwater Stonechat Sweetbriar Sycamore Tansley Teasel Thistlewood Thornicroft
        Trefoil Underhill Vetch Wagtail Warbler Watercress Wayfarer Wetherby Wheatear Whinberry Willowby
        Wintergreen Woodruff Wrenfield Yarrow
    """),
}

TRADE = {
    "DE": _words("""
        Laternenwerkstatt Lichtmanufaktur Glashütte Kerzenhaus Dochtspinnerei Messinggießerei Lampenkontor
        Leuchtenbau Blechdruckerei Ölmühle Papierlampen Signallaternen Straßenlicht Feuerwerk Schattentheater
    """),
    "GB": _words("""
        Chandlery Lantern_Works Lighthouse_Supplies Glassworks Wick_Makers Brass_Foundry Pilotage Boatyard
        Quay_Services Signal_Company Buoy_Makers Ropewalk
    """),
}

FORM = {"DE": ("GmbH", "KG", "e. K.", "AG"), "GB": ("Ltd", "LLP", "& Sons", "plc")}

CITIES = {
    "DE": (
        ("Berlin", "10115"),
        ("Hamburg", "20095"),
        ("München", "80331"),
        ("Frankfurt am Main", "60311"),
        ("Köln", "50667"),
    ),
    "GB": (
        ("London", "SW1A 0AA"),
        ("Leeds", "LS1 1AA"),
        ("Cardiff", "CF10 1AA"),
        ("Belfast", "BT1 1AA"),
        ("Leicester", "LE1 1AA"),
    ),
}
