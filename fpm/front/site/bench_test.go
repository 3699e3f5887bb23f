package site

import (
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

func BenchmarkRoute(b *testing.B) {
	s := routed(b, tree, contract.Site{})
	for b.Loop() {
		path, err := CleanPath("/x.php/a")
		if err != nil || s.Route(path).Script.Name == "" {
			b.Fatal(path)
		}
	}
	b.ReportAllocs()
}
