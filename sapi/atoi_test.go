package sapi

import (
	"math"
	"testing"
)

func TestAtoi(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "7": 7, " \t12x": 12, "-3": -3, "+4": 4, "x": 0, "--1": 0, "1-2": 1,
		"99999999999999999999": math.MaxInt, "-99999999999999999999": math.MinInt,
	} {
		if got := Atoi(text); got != want {
			t.Errorf("Atoi(%q) is %d, want %d", text, got, want)
		}
	}
}
