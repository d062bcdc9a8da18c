package storage

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// millis is how a time is stored: Unix milliseconds, NULL for the zero time.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// instant reads what millis stored.
type instant struct{ to *time.Time }

func (i instant) Scan(stored any) error {
	*i.to = time.Time{}
	switch n := stored.(type) {
	case nil:
	case int64:
		*i.to = time.UnixMilli(n).UTC()
	default:
		return fmt.Errorf("stored time: %w: %T", fault.Invalid, stored)
	}
	return nil
}

// span reads a duration stored in milliseconds.
type span struct{ to *time.Duration }

func (s span) Scan(stored any) error {
	var n sql.Null[int64]
	if err := n.Scan(stored); err != nil {
		return err
	}
	*s.to = time.Duration(n.V) * time.Millisecond
	return nil
}

// document is a value stored as JSON text; of points to it.
type document struct{ of any }

func (d document) Value() (driver.Value, error) {
	text, err := json.Marshal(d.of)
	return string(text), err
}

func (d document) Scan(stored any) error {
	var text []byte
	switch t := stored.(type) {
	case nil:
		return nil
	case string:
		text = []byte(t)
	case []byte:
		text = t
	default:
		return fmt.Errorf("stored JSON: %w: %T", fault.Invalid, stored)
	}
	if string(text) == "{}" { // nothing to set, which is common; rows are scanned into zero values
		return nil
	}
	if err := json.Unmarshal(text, d.of); err != nil {
		return fmt.Errorf("stored JSON: %w", err)
	}
	return nil
}

// words are a list stored as text separated by blanks, as the protocol writes scopes.
type words struct{ of *[]string }

func (w words) Value() (driver.Value, error) { return strings.Join(*w.of, " "), nil }

func (w words) Scan(stored any) error {
	var text sql.Null[string]
	if err := text.Scan(stored); err != nil {
		return err
	}
	*w.of = nil
	if text.V != "" {
		*w.of = strings.Split(text.V, " ")
	}
	return nil
}

// orZero reads a column that may be NULL: the zero value.
type orZero[T any] struct{ to *T }

func (o orZero[T]) Scan(stored any) error {
	var n sql.Null[T]
	if err := n.Scan(stored); err != nil {
		return err
	}
	*o.to = n.V
	return nil
}

// flag is a Go bool as the number that is stored for it.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// orNull stores an empty byte string as NULL.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// orNullText is NULL for the empty text.
func orNullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// sorted returns a copy in the order in which rows of one table are locked.
func sorted[T any](all []T, key func(T) string) []T {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return all
}
