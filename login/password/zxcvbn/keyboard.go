package zxcvbn

import (
	"math"
	"strings"
	"sync"
)

// keyboard is which keys lie next to a character: in each direction the characters of the key, plain and with shift, or
// nothing. Rows on it are guessed from so many keys, each with so many neighbours.
type keyboard struct {
	next            map[string][]string
	keys, neighbour float64
}

var keyboards = sync.OnceValue(func() []keyboard {
	qwerty, keypad := readKeyboard("Qwerty"), readKeyboard("Keypad")
	dvorak, mac := readKeyboard("Dvorak"), readKeyboard("MacKeypad")
	dvorak.keys, dvorak.neighbour = qwerty.keys, qwerty.neighbour // as the library has it
	mac.keys, mac.neighbour = keypad.keys, keypad.neighbour
	return []keyboard{qwerty, dvorak, keypad, mac}
})

func readKeyboard(name string) keyboard {
	var file struct{ Graph map[string][]string }
	embedded(name, &file)
	k := keyboard{next: file.Graph, keys: float64(len(file.Graph))}
	characters, directions := 0.0, 0.0
	for _, all := range file.Graph {
		for _, key := range all {
			characters += float64(len(key))
			directions++
		}
	}
	k.neighbour = characters / directions
	return k
}

// rows finds three or more neighbours on a keyboard.
func rows(text string) (all []match) {
	for _, k := range keyboards() {
		for from := 0; from < len(text); {
			end, turns, shifted, before := from+1, 0, 0, -1
			for end < len(text) {
				direction, shift := k.step(text[end-1], text[end])
				if direction < 0 {
					break
				}
				if direction != before {
					turns++
				}
				if shift {
					shifted++
				}
				end, before = end+1, direction
			}
			if end-from > 2 {
				all = append(all, match{from, end, k.bits(end-from, turns, shifted)})
			}
			from = end
		}
	}
	return all
}

// step tells in which direction a character lies from another, and whether it is typed with shift; -1: it is not next.
func (k keyboard) step(from, to byte) (direction int, shift bool) {
	for i, key := range k.next[string(rune(from))] {
		if at := strings.IndexByte(key, to); at >= 0 {
			return i, at == 1
		}
	}
	return -1, false
}

// bits is what it takes to guess a row: all that are as long or shorter and turn as often or less.
func (k keyboard) bits(length, turns, shifted int) float64 {
	rows := 0.0
	for n := 1; n <= length; n++ {
		for turn := 1; turn <= min(turns, n)+1; turn++ {
			rows += binomial(float64(n), float64(turn-1)) * k.keys * math.Pow(k.neighbour, float64(turn))
		}
	}
	bits := math.Log2(rows)
	if shifted > 0 {
		bits += math.Log2(choices(float64(length), float64(min(shifted, length-shifted))))
	}
	return bits
}
