package main

import (
	"math"
	"testing"
)

func TestAUC(t *testing.T) {
	for _, row := range []struct {
		a, b []float64
		want float64
	}{
		{nil, []float64{1}, 0.5},
		{[]float64{1, 2, 3}, []float64{4, 5}, 1},
		{[]float64{4, 5}, []float64{1, 2, 3}, 0},
		{[]float64{1, 2, 3}, []float64{1, 2, 3}, 0.5},
		{[]float64{7, 7}, []float64{7, 7, 7}, 0.5},
		// Of 3 × 4 pairs the second is larger in 1>: none, 2.5: 2, 3: 2 and a tie, 9: 3.
		{[]float64{1, 2, 3}, []float64{0, 2.5, 3, 9}, 7.5 / 12},
	} {
		if got := auc(row.a, row.b); math.Abs(got-row.want) > 1e-12 {
			t.Errorf("auc(%v, %v): got %v, want %v", row.a, row.b, got, row.want)
		}
		counted := 0.0
		for _, a := range row.a {
			for _, b := range row.b {
				switch {
				case b > a:
					counted++
				case b == a:
					counted += 0.5
				}
			}
		}
		if n := len(row.a) * len(row.b); n > 0 && math.Abs(counted/float64(n)-row.want) > 1e-12 {
			t.Errorf("%v, %v: counting pairs gives %v, the row says %v", row.a, row.b, counted/float64(n), row.want)
		}
	}
}

func TestMedianDifferenceIsOfPairs(t *testing.T) {
	// Both drift by 100; the second is 1 later in its pair, but for one outlier.
	if got := medianDifference([]float64{1, 100, 200}, []float64{2, 101, 900}); got != 1 {
		t.Errorf("got %v, want 1", got)
	}
}
