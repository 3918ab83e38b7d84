"""The words the parser knows: nouns with their kinds and synonyms, and words for properties.

Canonical nouns stay as specific as what was said ("mug" and "cup" are two nouns); `similar` tells that people use
them for one another. Nouns outside this table are still understood as nouns, only reported as unknown.
"""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(words.split())


# kind: noun (synonym, synonym), noun, ...    Regular plurals are derived.
_NOUNS = """
drinkware: cup (teacup, beaker), mug (stein), glass (tumbler), wine glass (wineglass, goblet)
tableware: bowl (dish), plate (saucer, platter), tray, fork, knife, spoon (teaspoon, tablespoon), chopstick, spatula,
    ladle, cutting board (chopping board), napkin, coaster, whisk, cutlery (silverware), utensil, straw
cookware: pot (saucepan), pan (frying pan, skillet), kettle (teakettle), teapot, wok, colander
can: can, tin, canister
bottle: bottle (flask, thermos), jar, jug, pitcher, carafe, tube, dispenser
box: box (crate, case), carton, pack (package, packet, parcel), container, chest
bin: bin (trash can, garbage can, wastebasket, waste basket, dustbin, trashcan, trash), basket (hamper), bucket (pail)
bag: bag (sack, pouch), backpack (rucksack, knapsack, back pack), handbag (purse), suitcase (luggage), briefcase,
    wallet
table: table (tabletop), desk, counter (countertop, worktop), nightstand (night stand, night table, bedside table),
    bench, workbench, island, podium
seat: chair (armchair), sofa (couch, settee, loveseat, futon), stool (barstool), ottoman (footstool, pouf), wheelchair
storage: furniture, mailbox, shelf (bookshelf, bookcase, shelving, shelving unit, rack), cabinet (cupboard), drawer,
    dresser (chest of drawers, bureau), wardrobe (closet, armoire), locker, organizer, vanity, sideboard, stand
bed: bed, crib (cot), mattress, headboard
bedding: pillow, cushion, blanket (comforter, duvet, quilt), sheet, towel
plant: plant (houseplant), tree, flower, cactus, leaf
vase: vase, plant pot (flowerpot, flower pot, planter)
lighting: lamp (lampshade), lantern, candle, light bulb (lightbulb, bulb), flashlight (torch), chandelier, light
    switch
screen: monitor (display, screen), television (tv, telly), tablet (ipad), laptop (notebook computer, laptop computer,
    macbook), whiteboard (white board), blackboard (chalkboard)
input: mouse pad (mousepad), typewriter, keyboard (key board), mouse (computer mouse), remote (remote control, remote
    controller), game controller (gamepad, joystick, joypad)
phone: phone (cell phone, cellphone, mobile phone, smartphone, mobile), telephone (landline)
electronics: device, computer (pc, desktop computer, cpu), printer, copier, scanner, speaker (loudspeaker), camera,
    webcam, router, charger, headphones (headset, earphones, earbuds), microphone, radio, stereo, clock, watch
    (wristwatch), calculator, fan, projector, battery, cable (cord, wire), plug, socket (outlet), hard drive, robot,
    drone, heater (radiator), air conditioner, power strip, adapter
appliance: refrigerator (fridge, freezer), microwave, oven, stove (cooker), toaster, blender, dishwasher, washing
    machine (washer), dryer, vacuum cleaner (vacuum, hoover), coffee maker (coffee machine), iron, mixer
book: book (textbook, novel), notebook (notepad, journal), magazine (catalogue, catalog), binder (folder), newspaper,
    album, brochure, menu, file
paper: passport, banner, document, diploma, certificate, paper, envelope, letter, card, note, receipt, poster, map,
    calendar, label, tissue (kleenex), sticker, ticket
stationery: pen (ballpoint), pencil, marker, crayon, eraser, ruler, stapler, tape, scissors, glue (glue stick), paper
    clip (paperclip), hole puncher (hole punch), paintbrush, chalk, clipboard
tool: machine, sharpener, cutter, tripod, extinguisher, easel, holder, cart (trolley), plunger, dustpan, hydrant,
    tool, drill, hammer, screwdriver, wrench (spanner), pliers, saw, clamp, tape measure, screw, nail, bolt, nut,
    level, ladder, rope, chain, axe, shovel, broom, mop, brush, toolbox (tool box), padlock (lock), key, hook, hanger,
    trap (mousetrap), pipe, axle
toy: trophy, globe, toy, ball (football, basketball, baseball, softball), teddy bear (teddy), doll, duck, block
    (brick, lego), puzzle, dice (die), car, airplane (plane, aeroplane), cube, figurine (statue, sculpture, bust),
    kite, frisbee, game, balloon, cylinder, sphere, cone, pyramid
bathroom: toothbrush, toothpaste, soap, sponge, shampoo, lotion, comb, hairbrush, razor, hair dryer (hairdryer, hair
    drier), urinal, wipe, towel rack, sink (basin, washbasin), toilet, bathtub (tub), shower, faucet (tap), mirror,
    scale, detergent, bleach, cleaner
clothing: clothes (clothing), shirt (tshirt, t shirt, blouse), hat, cap, shoe (sneaker, boot, sandal), slipper (flip
    flop), sock, glove, scarf, jacket (coat, hoodie, sweater), trousers (pants, jeans), dress, skirt, belt, tie,
    glasses (eyeglasses, spectacles), sunglasses, umbrella, helmet, mask, ring, apron, shorts
fruit: apple, banana, orange, lemon, lime, pear, peach, plum, strawberry, grape, pineapple, mango, kiwi, melon,
    watermelon, cherry, fruit, avocado, coconut, apricot
vegetable: tomato, potato, carrot, onion, pepper, cucumber, broccoli, garlic, corn, mushroom, vegetable, lettuce,
    cabbage, eggplant, pumpkin
food: bread (loaf), cake, cookie (biscuit), sandwich, pizza, egg, cheese, cracker, cereal, chips (crisps), candy,
    chocolate, donut (doughnut), hot dog, hamburger (burger), snack, food, sugar, salt, mustard, ketchup, soup, milk,
    coffee, tea, juice, coke (cola), beer, wine, water, butter, honey, jam, pasta, rice, spam, tuna, sauce, pudding,
    gelatin, meat, muffin, yogurt, oil, soda, drink, peanut, fish, salmon
sports: treadmill, stroller, bat, racket, skateboard, surfboard, ski, snowboard, bicycle (bike), dumbbell, mat
music: instrument, guitar, piano, violin, drum, trumpet, flute
person: person (man, woman, boy, girl, child, kid, guy, lady, baby, human, player), face, hand, head
animal: cat (kitten), dog (puppy), bird, horse, cow, sheep, elephant, zebra, giraffe, bear, bunny (rabbit), animal,
    monkey
vehicle: bus, truck, train, motorcycle (motorbike), boat, van
surface: wall, floor (ground, carpet, flooring), ceiling, rug (doormat), tablecloth, placemat, pavement, road
opening: door (doorway), window, curtain (drape), blinds, gate, stairs (staircase), fireplace, column (pillar),
    railing, windowsill (window sill), hallway, fence, partition
wall art: picture (painting, photo, photograph, artwork), picture frame (photo frame), sign, flag, board
part: handle, lid, wheel, leg, arm, corner, edge, cover, print, drawing, number, text, logo, button, strap, knob,
    spout, barcode, pattern, stripe, side, end, row, stack, pile, patch, line, spot, dot, name, word, stem, shade,
    seat, backrest, neck, foot, tail, image, top, base, lever, joke, kitchen, office, bathroom, bedroom, room, bar,
    roll, stick
"""

PLURAL_ONLY = word_set(
    """
    scissors glasses sunglasses eyeglasses spectacles headphones earphones earbuds pliers trousers pants jeans
    shorts chips crisps blinds stairs drapes
    """
)
_IRREGULAR = {
    "knife": "knives", "shelf": "shelves", "bookshelf": "bookshelves", "leaf": "leaves", "loaf": "loaves",
    "scarf": "scarves", "mouse": "mice", "man": "men", "woman": "women", "child": "children", "person": "people",
    "clothes": "clothes", "foot": "feet", "fish": "fish", "sheep": "sheep", "broccoli": "broccoli", "dice": "dice",
    "luggage": "luggage",
}  # fmt: skip

GENERIC = word_set(
    """
    thing object item something anything stuff entity target piece gadget article thingy
    """
)
VIEWER_NOUNS = word_set("camera robot viewer observer lens")

# Nouns that speakers use for one another; a noun may stand in several sets.
_SIMILAR = """
cup, mug, glass | glass, wine glass | cup, container | table, desk, counter, workbench, island | table,
nightstand | sofa, bench | chair, stool | stool, ottoman | can, tin, canister | can, jar | can, cylinder | can,
container | box, carton, pack, container | box, chest | box, block, cube | bin, basket, bucket | bag, backpack,
handbag | bag, pack | suitcase, briefcase | pillow, cushion | blanket, sheet, towel | phone, telephone | phone,
tablet | monitor, television | monitor, laptop | cabinet, dresser, sideboard, wardrobe, drawer | dresser,
nightstand | shelf, cabinet | shelf, stand | bottle, jar, jug | bottle, container | jar, container | bottle,
dispenser | jug, pitcher, carafe | pot, pan | pot, bowl | pot, kettle, teapot | pot, plant pot, vase | plant,
plant pot | bowl, plate | bowl, container | plate, tray | book, notebook, magazine, binder | book, file, binder
| paper, letter, note, envelope, card | whiteboard, blackboard, board | picture, poster, picture frame, sign |
lamp, lantern | plant, flower, tree | rug, mat | rug, floor | toy, doll, figurine | tool, drill, hammer,
screwdriver, wrench, pliers, saw, clamp | teddy bear, bear, doll | hat, cap | lid, cap, top | shoe, slipper |
pen, pencil, marker | ball, sphere | cable, charger | printer, copier | sink, bowl
"""

# "On the left side of" these is on them, "in the back of" those inside.
SURFACES = word_set(
    """
    table desk counter nightstand bench workbench shelf cabinet dresser sideboard stand bed floor rug tray
    tablecloth stove windowsill sofa wall stack pile plate
    """
)
HOLLOW = word_set("bin basket drawer shelf cabinet container wardrobe crib oven tray")

BASIC_COLORS = ("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
# canonical shade -> the basic colour it belongs to
SHADES = {
    "navy": "blue", "azure": "blue", "cyan": "blue", "turquoise": "blue", "teal": "green", "olive": "green",
    "lime": "green", "mint": "green", "khaki": "brown", "maroon": "red", "burgundy": "red", "crimson": "red",
    "scarlet": "red", "beige": "brown", "tan": "brown", "cream": "white", "ivory": "white", "bronze": "brown",
    "gold": "yellow", "silver": "grey", "charcoal": "black", "violet": "purple", "lavender": "purple",
    "lilac": "purple", "indigo": "blue", "magenta": "pink", "fuchsia": "pink", "coral": "orange", "copper": "orange",
}  # fmt: skip
SHADE_MODIFIERS = {
    "dark": "dark", "deep": "dark", "darker": "dark", "light": "light", "pale": "light", "bright": "bright",
    "lighter": "light", "vivid": "bright", "neon": "bright", "pastel": "light", "fluorescent": "bright",
}  # fmt: skip

# kind -> canonical value -> other words for it
_ATTRIBUTES = {
    "color": {
        "black": "blackish", "white": "whitish", "grey": "gray greyish grayish", "red": "reddish", "orange": "",
        "yellow": "yellowish", "green": "greenish", "blue": "bluish blueish", "purple": "purplish", "pink": "pinkish",
        "brown": "brownish", "gold": "golden", "silver": "silvery", "navy": "navy_blue", "turquoise": "aqua",
        **{shade: "" for shade in SHADES if shade not in ("gold", "silver", "navy", "turquoise")},
    },
    "size": {
        "big": "large huge giant enormous massive great gigantic sizable jumbo oversized",
        "small": "little tiny mini miniature wee compact", "tall": "high", "short": "low",
        "long": "elongated lengthy",
        "wide": "broad", "narrow": "slim slender skinny", "thick": "fat chunky bulky", "thin": "",
        "medium": "medium_sized mid_sized medium_size",
    },
    "shape": {
        "round": "circular rounded roundish disc_shaped disk_shaped round_shaped",
        "square": "cubic cubical square_shaped cube_shaped",
        "flat": "planar sheet_like", "cylindrical": "cylinder_shaped tubular tube_shaped can_shaped tube_like",
        "rectangular": "box_shaped boxy rectangle_shaped cuboid oblong block_shaped box_like brick_shaped rectangle",
        "spherical": "ball_shaped sphere_shaped ball_like globular", "oval": "elliptical egg_shaped oval_shaped",
        "curved": "curvy bent banana_shaped arched", "bowl_shaped": "cup_shaped concave",
        "hexagonal": "hexagon octagonal six_sided", "triangular": "triangle_shaped pyramidal",
        "conical": "cone_shaped",
        "pointed": "pointy", "l_shaped": "",
    },
    "material": {
        "wooden": "wood oak pine bamboo timber",
        "metal": "metallic steel aluminium aluminum iron tin_metal chrome stainless",
        "plastic": "", "glass": "", "paper": "", "cardboard": "carton_board", "ceramic": "porcelain clay china",
        "fabric": "cloth textile cotton woolen plush velvet linen", "leather": "leathery", "rubber": "",
        "stone": "marble granite concrete",
        "wicker": "rattan",
    },
    "state": {
        "open": "opened unfolded", "closed": "shut folded", "empty": "", "full": "filled",
        "upright": "standing_up standing_upright vertical", "lying": "horizontal fallen tipped_over toppled",
        "upside_down": "inverted", "switched_on": "turned_on lit", "switched_off": "turned_off", "broken": "cracked",
        "new": "", "old": "", "clean": "", "dirty": "",
    },
    "pattern": {
        "striped": "stripy stripey stripes_pattern", "checkered": "chequered checked plaid",
        "dotted": "spotted polka_dot",
        "plain": "solid", "patterned": "", "floral": "flowered flowery",
        "transparent": "clear see_through translucent",
        "shiny": "glossy reflective",
        "multicoloured": "multicolored multi_colored multi_coloured colourful colorful rainbow",
    },
    "position": {
        "left": "left_hand lefthand", "right": "right_hand righthand", "middle": "center centre central",
        "front": "", "back": "rear", "top": "upper", "bottom": "lower",
    },}  # fmt: skip

# Words that are a property before a noun and a thing on their own.
ADJECTIVE_NOUNS = {
    "orange": "orange", "glass": "glass", "paper": "paper", "light": "lamp", "lime": "lime",
    "cardboard": "box", "cloth": "towel", "rubber": "eraser", "iron": "iron", "china": "plate",
    "wood": "block", "top": "top", "bottom": "bottom", "rectangle": "thing", "square": "thing",
}  # fmt: skip  # fmt: skip


def plural(noun: str) -> str:
    """The English plural of a noun; the last word changes ("coffee cups")."""
    first, _, last = noun.rpartition(" ")
    if last in PLURAL_ONLY:
        return noun
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")) or last in ("potato", "tomato", "mango"):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{first} {last}".strip()


def _read_nouns() -> tuple[dict[str, tuple[str, bool]], dict[str, str]]:
    words: dict[str, tuple[str, bool]] = {}
    kinds: dict[str, str] = {}
    for line in _NOUNS.replace("\n    ", " ").strip().splitlines():
        kind, _, rest = line.partition(":")
        noun, inside = "", False
        for entry in rest.replace("(", ",(").split(","):
            name = entry.strip(" ()")
            if "(" not in entry and not inside:
                noun = name
                kinds.setdefault(noun, kind)
            inside = ("(" in entry or inside) and ")" not in entry
            words.setdefault(name, (noun, name in PLURAL_ONLY))
            words.setdefault(plural(name), (noun, True))
    return words, kinds


# every way to write a noun -> (canonical noun, is plural);   canonical noun -> kind ("seat", "tool")
NOUNS, KINDS = _read_nouns()
for _word in GENERIC:
    NOUNS[_word] = ("thing", False)
    NOUNS[plural(_word)] = ("thing", True)
NOUNS["glasses"] = ("glasses", True)  # spectacles rather than two tumblers

# every way to write a property -> (kind, canonical value)
ATTRIBUTES: dict[str, tuple[str, str]] = {
    spelling.replace("_", " "): (kind, value.replace("_", " "))
    for kind, values in _ATTRIBUTES.items()
    for value, others in values.items()
    for spelling in (value, *others.split())
}

_SIMILAR_SETS = tuple(frozenset(group.strip().split(", ")) for group in " ".join(_SIMILAR.split()).split("|"))


# nouns that name whole kinds
_HYPERNYMS = {
    "fruit": ("fruit",),
    "vegetable": ("vegetable",),
    "food": ("food", "fruit", "vegetable"),
    "tool": ("tool",),
    "toy": ("toy",),
    "animal": ("animal",),
    "clothes": ("clothing",),
    "container": ("box", "bottle", "can", "bin", "bag", "drinkware"),
    "furniture": ("seat", "table", "storage", "bed"),
    "device": ("electronics", "input", "phone", "screen", "appliance"),
}


def similar(a: str, b: str) -> bool:
    """Whether two canonical nouns can name one thing: "cup" and "mug", "fruit" and "apple"; "thing" fits all."""
    if a == b or "thing" in (a, b) or any({a, b} <= group for group in _SIMILAR_SETS):
        return True
    return kind_of(a) in _HYPERNYMS.get(b, ()) or kind_of(b) in _HYPERNYMS.get(a, ())


def kind_of(noun: str) -> str:
    """The family of a canonical noun ("seat" for "sofa"), or "" for one that is not in the table."""
    return KINDS.get(noun, "")


def basic_color(value: str) -> str:
    """One of BASIC_COLORS for a canonical colour ("dark blue" and "navy" are "blue"), or "" if it has none."""
    name = value.split(" ")[-1]
    return name if name in BASIC_COLORS else SHADES.get(name, "")
