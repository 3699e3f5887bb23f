package sapi

import (
	"bytes"
	"os"
	"syscall"
)

// EngineVersion returns the PHP_VERSION of a libphp, such as "8.2.36", found in its file without loading it; empty if path is
// not the path of a libphp. PHP's own header for responses tells it.
func EngineVersion(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 { // to open a pipe would be to wait for its writer
		return ""
	}
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return ""
	}
	text, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return ""
	}
	defer syscall.Munmap(text)
	_, after, found := bytes.Cut(text, []byte("\x00X-Powered-By: PHP/"))
	if !found {
		return ""
	}
	version, _, _ := bytes.Cut(after[:min(len(after), 64)], []byte{0})
	return string(version)
}
