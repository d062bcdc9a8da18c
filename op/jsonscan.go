package op

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// jsonScan walks through valid JSON (json.Valid, which bounds its depth too), and notes where an object has two members of
// one name. encoding/json tells no caller of that, but token by token, which costs several times as much.
type jsonScan struct {
	text  []byte
	at    int
	twice bool // an object so far has two members of one name
}

// next is the next byte that is no space; it stays.
func (s *jsonScan) next() byte {
	for s.text[s.at] <= ' ' {
		s.at++
	}
	return s.text[s.at]
}

// value passes one value, and returns it as it is written.
func (s *jsonScan) value() json.RawMessage {
	first, from := s.next(), s.at
	switch first {
	case '{':
		s.object()
	case '[':
		s.array()
	case '"':
		s.string()
	default:
		for s.at < len(s.text) && bytes.IndexByte([]byte(",]} \t\r\n"), s.text[s.at]) < 0 {
			s.at++
		}
	}
	return s.text[from:s.at]
}

func (s *jsonScan) object() map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	for s.at++; s.next() != '}'; {
		if s.text[s.at] == ',' {
			s.at++
			continue
		}
		name := nameOf(s.string())
		s.next() // a colon
		s.at++
		if _, there := members[name]; there {
			s.twice = true
		}
		members[name] = s.value()
	}
	s.at++
	return members
}

func (s *jsonScan) array() {
	for s.at++; s.next() != ']'; {
		if s.text[s.at] == ',' {
			s.at++
			continue
		}
		s.value()
	}
	s.at++
}

// string passes a text, and returns it with its quotes.
func (s *jsonScan) string() []byte {
	from := s.at
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return s.text[from:s.at]
}

// nameOf is the name of a member: what its escapes stand for, and with one character for all that is not UTF-8.
func nameOf(quoted []byte) (name string) {
	if bytes.IndexByte(quoted, '\\') < 0 && utf8.Valid(quoted) {
		return string(quoted[1 : len(quoted)-1])
	}
	_ = json.Unmarshal(quoted, &name) // a text of valid JSON
	return name
}
