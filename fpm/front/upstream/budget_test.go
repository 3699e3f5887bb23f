package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/phpsapi/phpsapi/test/wait"
)

// Bodies that nobody told the length of fill no more of the disk than there is for all, and leave it as it was.
func TestTemporaryFilesHaveAnEnd(t *testing.T) {
	const length = 1 << 20
	f := serve(t, Options{Budget: NewBudget(length + length/2), Limits: spooling}, func(p *peer) bool {
		return p.ok(sum(readFunc(p.ReadBody)))
	})
	left := func() int64 { return f.pool.Budget.left.Load() }
	post := func(from io.Reader) (*http.Response, error) {
		return f.Client().Post(f.URL, "", io.MultiReader(from)) // of a type that tells no length
	}
	// One that does not end takes what there is.
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		resp, err := post(r)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	if _, err := w.Write(make([]byte, length)); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the first body in its file", func() bool { return left() <= length*3/2-(length-maxFirst)+64<<10 })
	resp, err := post(bytes.NewReader(make([]byte, length)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := f.err(t); !errors.Is(err, ErrFull) || !errors.Is(err, errBudget) {
		t.Errorf("a second body: %v", err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := f.err(t); err != nil {
		t.Error(err)
	}
	wait.Until(t, "the space of both", func() bool { return left() == length+length/2 })
	resp, err = post(pattern(length))
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != sum(pattern(length)) {
		t.Errorf("after it: %.100q", body)
	}
	resp.Body.Close()
	f.err(t)
}
