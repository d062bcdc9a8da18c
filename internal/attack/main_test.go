package attack

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// TestMain prints what became of the rows Z1 to Z15 after the tests that keep them. `go test` shows it when it runs in
// this folder, or with -v.
func TestMain(m *testing.M) {
	code := m.Run()
	rows.print()
	os.Exit(code)
}

// rows are the results of the rows of the table, by their number.
var rows = table{results: map[int]result{}}

type table struct {
	sync.Mutex
	results map[int]result
}

type result struct {
	test, says string
	failed     bool
}

func (b *table) note(row int, r result) {
	b.Lock()
	defer b.Unlock()
	b.results[row] = r
}

func (b *table) print() {
	b.Lock()
	defer b.Unlock()
	if len(b.results) == 0 {
		return
	}
	numbers := make([]int, 0, len(b.results))
	failed := 0
	for n, r := range b.results {
		numbers = append(numbers, n)
		if r.failed {
			failed++
		}
	}
	slices.Sort(numbers)
	fmt.Println("\nGaps of the library that our layer closes, each for a host issuer and a path issuer")
	for _, n := range numbers {
		r, word := b.results[n], "passed"
		if r.failed {
			word = "FAILED"
		}
		fmt.Printf("%-4s%-54s%-8s%s\n", "Z"+strconv.Itoa(n), r.test, word, r.says)
	}
	fmt.Printf("%d rows, %d failed\n\n", len(numbers), failed)
}

// gap runs the test of one row for both kinds of issuer and notes the result.
func gap(t *testing.T, row int, says string, attack func(*idptest.Scene)) {
	t.Cleanup(func() { rows.note(row, result{t.Name(), says, t.Failed()}) })
	idptest.Issuers(t, attack)
}
