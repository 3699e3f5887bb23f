//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

const gigabyte = 1 << 30

// insecure trusts a certificate that the test has made, and speaks HTTP/2 where it is offered.
func insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
}

// TestFrontGigabyte sends and fetches a gigabyte, by HTTP/1.1 and by HTTP/2. Neither the front nor a worker may have more
// memory for it.
func TestFrontGigabyte(t *testing.T) {
	p := frontPlace(t)
	d := p.door("", `php_admin_value[upload_max_filesize] = 2G
php_admin_value[post_max_size] = 2G
php_admin_value[memory_limit] = 64M
pm.max_requests = 0
`)
	client := &http.Client{Transport: insecure(), Timeout: patience}
	sum := fmt.Sprintf("%08x", crcOf(t, gigabyte))
	for _, url := range []string{"http://" + d.address, "https://" + d.secure} {
		t.Run(url[:strings.Index(url, ":")], func(t *testing.T) {
			ask := func(r *http.Request, err error) *http.Response {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != http.StatusOK {
					t.Errorf("%s %s: %s", r.Method, r.URL, response.Status)
				}
				return response
			}
			ask(http.NewRequest("GET", url+"/plain.txt", nil)).Body.Close()

			d.constant(t, "a download", func() {
				response := ask(http.NewRequest("GET", url+"/vast.php", nil))
				defer response.Body.Close()
				if size, err := io.Copy(io.Discard, response.Body); err != nil || size != gigabyte {
					t.Errorf("%d bytes came, %v", size, err)
				}
			})
			d.constant(t, "a body", func() {
				response := ask(http.NewRequest("PUT", url+"/take.php", io.LimitReader(pattern{}, gigabyte)))
				defer response.Body.Close()
				if said, err := io.ReadAll(response.Body); err != nil || string(said) != fmt.Sprint("0 ", gigabyte, " ", sum) {
					t.Errorf("of a body arrived %q, %v", said, err)
				}
			})
			if strings.HasPrefix(url, "https") {
				return // what PHP makes of a form has nothing to do with how it came
			}
			d.constant(t, "a form's file", func() {
				body, contentType := formWith(io.LimitReader(pattern{}, gigabyte))
				request, err := http.NewRequest("POST", url+"/take.php", body)
				request.Header.Set("Content-Type", contentType)
				response := ask(request, err)
				defer response.Body.Close()
				if said, err := io.ReadAll(response.Body); err != nil || string(said) != fmt.Sprint("0 ", gigabyte, " ", sum) {
					t.Errorf("of a form's file arrived %q, %v", said, err)
				}
			})
		})
	}
}

// constant wants do to leave the front and the workers without much more memory than they had, at any time.
func (d *door) constant(t *testing.T, what string, do func()) {
	t.Helper()
	const mebibyte, most = 1 << 10, 48 << 10 // KiB
	before := map[int]int{}
	fronts, workers := processes.Titled(d.pid, "php-fpm: front process"), processes.Titled(d.pid, "php-fpm: pool www")
	if len(fronts) != 1 || len(workers) == 0 {
		t.Fatalf("fronts %v, workers %v", fronts, workers)
	}
	for _, pid := range slices.Concat(fronts, workers) {
		before[pid] = processes.Peak(pid)
	}
	do()
	for pid, was := range before {
		is := processes.Peak(pid)
		if is == 0 {
			continue // a worker that had nothing to do any more
		}
		if is-was > most {
			t.Errorf("%s: process %d (%s) had %d MB at most before and %d MB since", what, pid, processes.Title(pid), was/mebibyte, is/mebibyte)
		}
		if slices.Contains(fronts, pid) {
			t.Logf("%s: the front had at most %d MB before and %d MB since, private %d MB", what, was/mebibyte, is/mebibyte, processes.Private(pid)/mebibyte)
		}
	}
}

// pattern is bytes without end.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func crcOf(t *testing.T, size int64) uint32 {
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, pattern{}, size); err != nil {
		t.Fatal(err)
	}
	return sum.Sum32()
}

// formWith is a form with a file in it, that is not held in memory.
func formWith(file io.Reader) (body io.Reader, contentType string) {
	read, write := io.Pipe()
	form := multipart.NewWriter(write)
	go func() {
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="vast"`}})
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil {
			err = form.Close()
		}
		write.CloseWithError(err)
	}()
	return read, form.FormDataContentType()
}

// TestFrontReload reloads the service again and again while clients ask. None of them may notice.
func TestFrontReload(t *testing.T) {
	p := frontPlace(t)
	d := p.door("", "")
	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for i := range 8 {
		clients.Go(func() {
			// Half of the clients keep their connections, as browsers do.
			transport := insecure()
			transport.DisableKeepAlives = i%2 == 0
			client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
			url := []string{"http://" + d.address, "https://" + d.secure}[i/4]
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				path := []string{"/page", "/plain.txt", "/form.php"}[n%3]
				response, err := client.Get(url + path)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
				if err == nil && response.StatusCode != http.StatusOK {
					err = fmt.Errorf("%s", response.Status)
				}
				if asked.Add(1); err != nil && failed.Add(1) <= 5 {
					t.Errorf("%s%s during a reload: %v", url, path, err)
				}
			}
		})
	}
	for range 4 {
		old := processes.Titled(d.pid, "php-fpm: front process")
		said, err := exec.Command("timeout", "60", filepath.Join(ours, "phpsapi"), "fpm", "reload", "--fpm-config", p.path("php-fpm.conf")).CombinedOutput()
		if err != nil {
			t.Errorf("phpsapi fpm reload: %v: %s", err, said)
			break
		}
		before := asked.Load()
		p.eventually("the old front is gone, the new one answers", func() bool {
			now := processes.Titled(d.pid, "php-fpm: front process")
			return len(now) == 1 && !slices.Equal(now, old) && asked.Load() > before+100
		})
	}
	close(stop)
	clients.Wait()
	t.Logf("%d requests, %d failed", asked.Load(), failed.Load())
}
