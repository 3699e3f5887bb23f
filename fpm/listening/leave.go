package listening

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Left is a listening socket that a program leaves to the one that is executed in its place. Path and Pair are -1 if there is
// none.
type Left struct {
	Key    string
	Domain conf.Domain
	FD     int
	Lent   bool
	Gone   bool
	Path   int // of a nameless one
	Pair   int // the other end of one that is of a pair
}

// Leave returns all sockets for another program. They stay open, and this program's until that is executed.
func (s *Sockets) Leave() (all []Left) {
	for _, k := range s.open {
		left := Left{Key: k.key, Domain: k.domain, FD: k.fd, Lent: k.lent, Gone: k.gone, Path: -1, Pair: -1}
		if k.path != nil {
			left.Path = int(k.path.Fd())
		}
		if k.pair != nil {
			left.Pair = int(k.pair.Fd())
		}
		all = append(all, left)
	}
	return all
}

// LeaveHanding returns the descriptors of Handing for another program; none if there are none.
func (s *Sockets) LeaveHanding() (all []int) {
	if s.handing == nil {
		return nil
	}
	for _, end := range s.handing.ends() {
		all = append(all, int((*end).Fd()))
	}
	return all
}

// Adopt takes over what another program has left, by copies: the descriptors themselves stay as they are. For a trial it leaves
// out the sockets that have a Path or a Pair: a process of the trial might take what comes there, and then it would be lost.
func (s *Sockets) Adopt(all []Left, handing []int, trial bool) {
	file := func(fd int, name string) *os.File { // nil: there is none
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil
		}
		return os.NewFile(uintptr(own), name)
	}
	for _, left := range all {
		if trial && (left.Path >= 0 || left.Pair >= 0) { // somebody would take what comes there
			continue
		}
		own, err := Copy(left.FD, left.Key)
		if err != nil {
			continue
		}
		s.open = append(s.open, &Socket{key: left.Key, domain: left.Domain, fd: int(own.Fd()), file: own, lent: left.Lent, gone: left.Gone,
			path: file(left.Path, left.Key), pair: file(left.Pair, left.Key)})
	}
	if h := (&Handing{}); len(handing) == len(h.ends()) {
		for i, end := range h.ends() {
			*end = file(handing[i], "handing over")
		}
		s.handing = h
	}
}

// Copy returns a file for a copy of a descriptor that does not block, without making it block for a moment, which the
// processes that have it would notice: os.NewFile watches what does not block.
func Copy(fd int, name string) (*os.File, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(null), name)
	if err := unix.Dup3(fd, null, unix.O_CLOEXEC); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// CloseOthers closes all sockets but those that are among the ones that were left, and forgets all.
func (s *Sockets) CloseOthers(left []Left) {
	for _, k := range s.open {
		if !slices.ContainsFunc(left, func(l Left) bool { return l.Key == k.key && l.Gone == k.gone }) {
			k.Close()
		}
	}
	s.open = nil
}
