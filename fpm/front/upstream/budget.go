package upstream

import (
	"errors"
	"os"
	"sync/atomic"
)

// Budget is how much space all temporary files of a front may take together: bodies that are not streamed, and responses
// for slow clients. A nil Budget has no end.
type Budget struct{ left atomic.Int64 }

// NewBudget makes a budget of so many bytes; 0: without an end.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		return nil
	}
	b := &Budget{}
	b.left.Store(bytes)
	return b
}

// errBudget is a file that may not grow.
var errBudget = errors.New("temporary files have taken http.limits.spool_total")

// Take takes space for n bytes, or returns errBudget.
func (b *Budget) Take(n int) error {
	if b == nil {
		return nil
	}
	if b.left.Add(-int64(n)) < 0 {
		b.Give(int64(n))
		return errBudget
	}
	return nil
}

// Give returns space for n bytes to the budget.
func (b *Budget) Give(n int64) {
	if b != nil {
		b.left.Add(n)
	}
}

// spoolFile is a temporary file that grows within a budget.
type spoolFile struct {
	*os.File
	budget *Budget
	length int64
}

func (f *spoolFile) Write(p []byte) (int, error) {
	if err := f.budget.Take(len(p)); err != nil {
		return 0, err
	}
	f.length += int64(len(p))
	return f.File.Write(p)
}

// free closes the file and gives its space back.
func (f *spoolFile) free() {
	f.Close()
	f.budget.Give(f.length)
}
