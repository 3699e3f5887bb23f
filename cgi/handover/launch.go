package handover

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle/zygote"
)

// startTime is how long PHP may take to start. Requests are answered the ordinary way meanwhile.
const startTime = 2 * time.Minute

// reportTime is how long a module's report may take.
const reportTime = 10 * time.Second

// launch is what the start of a module has come to.
type launch struct {
	references []reference
	ini, maps  watched
	zygote     *zygote.Zygote
}

// reference is a variable that the .ini files refer to, and its value when they were read.
type reference struct{ name, value string }

// loudError says that PHP prints something when it starts, which each client must print itself.
type loudError string

func (e loudError) Error() string { return "PHP's startup is not silent:" + string(e) }

// start starts the zygote. Others may look at m meanwhile, so start leaves it as it is. The error says why no request can
// be served by the module; the launch may then hold a zygote, which the caller closes.
func (m *module) start(ctx context.Context, program string) (l launch, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	l.follow(m, m.sapi.INI.Path, m.sapi.INI.ScanDir)
	said, err := memoryFile()
	if err != nil {
		return l, err
	}
	defer said.Close()
	l.zygote, err = zygote.Start(ctx, zygote.Config{
		Program: program, Argv: []string{"phpsapi cgi: zygote"}, Engine: m.engine, Module: m.sapi, Env: m.env,
		Stdout: said, Stderr: said, OwnRuntimes: true, // children that answer requests have none
	})
	if err != nil {
		return l, fmt.Errorf("%w%s", err, contents(said))
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return l, err
	}
	defer null.Close()
	if err := l.zygote.Detach(ctx, null); err != nil {
		return l, err
	}
	report, err := l.report(ctx)
	if err != nil {
		return l, err
	}
	if ini := &m.sapi.INI; report.INIDir != ini.Dir {
		path := ini.Path
		if ini.Search {
			path = strings.TrimSuffix(path, ini.Dir) + report.INIDir
		}
		l.follow(m, path, report.ScanDir)
	}
	if text := contents(said); text != "" { // detached, the zygote has written what it had kept
		return l, loudError(text)
	}
	return l, nil
}

// follow watches the .ini files of these places.
func (l *launch) follow(m *module, path, scanDir string) {
	files := iniFiles(m.sapi.Name, path, scanDir)
	l.ini, l.references = watch(files), nil
	for _, name := range variablesIn(files) {
		value, _ := m.env.Lookup(name)
		l.references = append(l.references, reference{name, value})
	}
}

// report has a worker report what was started.
func (l *launch) report(ctx context.Context) (report Report, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return report, err
	}
	defer read.Close()
	payload, _ := json.Marshal(map[string]string{"Role": Role})
	_, err = l.zygote.Spawn(ctx, payload, write)
	write.Close()
	if err != nil {
		return report, err
	}
	read.SetReadDeadline(time.Now().Add(reportTime))
	defer context.AfterFunc(ctx, func() { read.SetReadDeadline(time.Unix(1, 0)) })()
	text, err := io.ReadAll(read)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		return report, fmt.Errorf("the module's report: %w", err)
	}
	l.maps = watch(report.Maps)
	return report, nil
}

// memoryFile is a file that a zygote may write to while PHP starts.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("php startup", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), "php startup"), nil
}

// contents returns what was written, after a newline; empty for nothing.
func contents(file *os.File) string {
	var text bytes.Buffer
	file.Seek(0, io.SeekStart)
	if _, err := text.ReadFrom(file); err != nil || text.Len() == 0 {
		return ""
	}
	return "\n" + strings.TrimSpace(text.String())
}
