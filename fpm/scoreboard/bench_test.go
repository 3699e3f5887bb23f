package scoreboard

import "testing"

var request = Request{Method: []byte("GET"), URI: []byte("/index.php"), Query: []byte("a=b&c=d"), User: nil,
	Script: []byte("/var/www/html/index.php"), ContentLength: 0}

func BenchmarkStage(b *testing.B) {
	_, slots := board(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		slots[0].Executing()
	}
}

// BenchmarkRequest is all that a request's six changes cost, in a pool of 50.
func BenchmarkRequest(b *testing.B) {
	_, slots := board(b, 50)
	s := slots[0]
	b.ReportAllocs()
	for b.Loop() {
		s.ReadingHeaders()
		s.Info(&request)
		s.Executing()
		s.End(s.Elapsed(), 1, 1, 1)
		s.Finished()
		s.Accepting()
	}
}

func BenchmarkActivity(b *testing.B) {
	board, _ := board(b, 1)
	var a Activity
	b.ReportAllocs()
	for b.Loop() {
		board.Activity(0, &a)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	board, slots := board(b, 1)
	slots[0].Info(&request)
	var p Proc
	for b.Loop() {
		board.Snapshot(0, &p)
	}
}

func BenchmarkTotalsOf50(b *testing.B) {
	board, _ := board(b, 50)
	var n Totals
	for b.Loop() {
		board.Totals(&n)
	}
}
