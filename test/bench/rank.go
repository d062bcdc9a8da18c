package main

import (
	"cmp"
	"slices"
)

// auc is the area under the curve of Mann and Whitney's test: how probable it is that a value of b is larger than one of
// a, ties by half. 0.5: who sees a value learns nothing of where it is from. Without values there is nothing to learn.
func auc(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 0.5
	}
	type value struct {
		of    float64
		fromB bool
	}
	var all []value
	for _, v := range a {
		all = append(all, value{v, false})
	}
	for _, v := range b {
		all = append(all, value{v, true})
	}
	slices.SortFunc(all, func(x, y value) int { return cmp.Compare(x.of, y.of) })
	ranks := 0.0 // sum over b; equal values share the middle of theirs
	for i := 0; i < len(all); {
		n, ofB := 0, 0
		for ; i+n < len(all) && all[i+n].of == all[i].of; n++ {
			if all[i+n].fromB {
				ofB++
			}
		}
		ranks += float64(ofB) * (float64(i) + float64(n+1)/2)
		i += n
	}
	nA, nB := float64(len(a)), float64(len(b))
	return (ranks - nB*(nB+1)/2) / (nA * nB)
}

// medianDifference is the median of b less a, pair by pair, so that what changes slowly falls out.
func medianDifference(a, b []float64) float64 {
	var all []float64
	for i := range a {
		all = append(all, b[i]-a[i])
	}
	return median(all)
}
