package poll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/test/wait"
)

// told is what a Watcher has told at once.
type told struct {
	news  []News
	taken func()
}

// watcher returns a Watcher, and what it tells.
func watcher(t *testing.T) (*Watcher, chan told) {
	t.Helper()
	all := make(chan told, 1000)
	w, err := New(func(news []News, taken func()) { all <- told{news, taken} })
	if err != nil {
		t.Fatal(err)
	}
	return w, all
}

// pair returns both ends of a connection.
func pair(t *testing.T) (ours, theirs int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pair[0], pair[1]
}

// next returns the next news, which must come.
func next(t *testing.T, all chan told) []News {
	t.Helper()
	select {
	case told := <-all:
		told.taken()
		return told.news
	case <-time.After(10 * time.Second):
		t.Fatal("there are no news")
		return nil
	}
}

// none fails the test if there are news.
func none(t *testing.T, all chan told, why string) {
	t.Helper()
	select {
	case told := <-all:
		t.Errorf("%+v %s", told.news, why)
		told.taken()
	case <-time.After(30 * time.Millisecond):
	}
}

// Each connection at an ondemand pool's socket made an event, whether the loop came to take them or not.
func TestArrivalsDoNotFillTheOwnersMemory(t *testing.T) {
	w, all := watcher(t)
	ours, theirs := pair(t)
	defer unix.Close(ours)
	defer unix.Close(theirs)
	if _, err := w.Each(ours); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		unix.Write(theirs, []byte("x"))
		time.Sleep(time.Millisecond)
	}
	if n := len(all); n != 1 {
		t.Fatalf("%d times there are news that nobody has taken, want once", n)
	}
	(<-all).taken()
	wait.Until(t, "other news", func() bool { return len(all) > 0 })
}

func TestNewsComeOnceOrOfEachArrival(t *testing.T) {
	w, all := watcher(t)
	ours, theirs := pair(t)
	defer unix.Close(theirs)
	id, err := w.Each(ours)
	if err != nil {
		t.Fatal(err)
	}
	unix.Write(theirs, []byte("x"))
	if news := next(t, all); len(news) != 1 || news[0] != (News{ID: id}) {
		t.Errorf("of the first: %+v", news)
	}
	none(t, all, "of nothing new")
	unix.Write(theirs, []byte("x"))
	if news := next(t, all); len(news) != 1 || news[0] != (News{ID: id}) {
		t.Errorf("of the second: %+v", news)
	}
	if err := w.Again(ours, id); err != nil {
		t.Fatal(err)
	}
	if news := next(t, all); len(news) != 1 || news[0] != (News{ID: id}) {
		t.Errorf("of what is there: %+v", news)
	}
	w.Forget(ours)
	unix.Write(theirs, []byte("x"))
	none(t, all, "of a descriptor that is not watched")

	once, err := w.Once(ours)
	if err != nil || once == id {
		t.Fatalf("the id is %d again, %v", once, err)
	}
	if news := next(t, all); len(news) != 1 || news[0] != (News{ID: once}) {
		t.Errorf("once: %+v", news)
	}
	unix.Write(theirs, []byte("x"))
	none(t, all, "a second time")
	unix.Close(ours)
}

func TestTheOtherSidesEndIsNews(t *testing.T) {
	w, all := watcher(t)
	ours, theirs := pair(t)
	defer unix.Close(ours)
	id, err := w.Once(ours)
	if err != nil {
		t.Fatal(err)
	}
	none(t, all, "of a silent client")
	unix.Close(theirs)
	if news := next(t, all); len(news) != 1 || news[0] != (News{ID: id, Gone: true}) {
		t.Errorf("got %+v", news)
	}
	if _, err := w.Once(-1); err == nil {
		t.Error("a descriptor that is not open is watched")
	}
}
