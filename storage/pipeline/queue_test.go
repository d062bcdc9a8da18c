package pipeline

import (
	"slices"
	"testing"
)

// Calls leave the queue in the order in which they came, each once, at most so many together; those that were withdrawn
// never do.
func FuzzQueueIsFirstComeFirstServed(f *testing.F) {
	f.Add([]byte{0, 0, 0, 64, 130, 0, 200, 0, 255})
	f.Add([]byte{0, 64, 64, 0, 129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192})
	f.Fuzz(func(t *testing.T, acts []byte) {
		q := newQueue()
		var model, all []*call
		left := map[*call]bool{}
		for _, act := range acts {
			switch {
			case act < 64: // somebody comes
				c := &call{}
				if err := q.add(c); err != nil {
					t.Fatal(err)
				}
				model, all = append(model, c), append(all, c)
			case act < 128 && len(all) > 0: // somebody leaves, or has long left
				c := all[int(act)%len(all)]
				i := slices.Index(model, c)
				if got := q.withdraw(c); got != (i >= 0) {
					t.Fatalf("withdrawn: %v", got)
				}
				if i >= 0 {
					model = slices.Delete(model, i, i+1)
					left[c] = true
				}
			case len(model) > 0: // a line is free
				most := 1 + int(act)%16
				got, want := q.take(most), model[:min(most, len(model))]
				if !slices.Equal(got, want) {
					t.Fatalf("%d taken, not the first %d of %d", len(got), len(want), len(model))
				}
				for _, c := range got {
					if left[c] {
						t.Fatal("one that was withdrawn")
					}
					left[c] = true
				}
				model = slices.Clone(model[len(got):])
			}
		}
		if got := q.close(); !slices.Equal(got, model) {
			t.Fatalf("%d wait at the end, want %d", len(got), len(model))
		}
		if q.take(1) != nil || q.add(&call{}) == nil || q.waiting.Len() != 0 || len(q.places) != 0 {
			t.Fatal("it is not closed")
		}
	})
}

// Writes are in one order whatever the order of their callers, but for those of one row.
func FuzzWritesHaveOneOrder(f *testing.F) {
	f.Add([]byte{3, 1, 2, 1, 19, 17})
	f.Fuzz(func(t *testing.T, rows []byte) {
		of := [2]*Statement{{Turn: 1}, {Turn: 2}}
		var calls []*call
		for _, r := range rows {
			calls = append(calls, &call{of: of[r>>4&1], row: string(rune('a' + r&15))})
		}
		sorted := slices.Clone(calls)
		ordered(sorted)
		for i := 1; i < len(sorted); i++ {
			a, b := sorted[i-1], sorted[i]
			switch {
			case a.of.Turn > b.of.Turn, a.of.Turn == b.of.Turn && a.row > b.row:
				t.Fatalf("%d %s before %d %s", a.of.Turn, a.row, b.of.Turn, b.row)
			case a.of == b.of && a.row == b.row && slices.Index(calls, a) > slices.Index(calls, b):
				t.Fatal("two of one row changed places")
			}
		}
	})
}
