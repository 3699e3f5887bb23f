package lifecycle

import (
	"path/filepath"
	"testing"
)

func TestSelf(t *testing.T) {
	if self := Self(); !filepath.IsAbs(self) {
		t.Errorf("Self() is %q, want an absolute path", self)
	}
}
