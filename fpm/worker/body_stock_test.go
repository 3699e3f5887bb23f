package worker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestBodiesAsStock(t *testing.T) {
	t.Parallel()
	p := newPair(t, conf.KeyValue{Key: "post_max_size", Value: "6M"}, conf.KeyValue{Key: "upload_max_filesize", Value: "4M"})
	p.write(t, "body.php", `<?php
foreach ($_FILES as &$f) { $f["sum"] = is_file($f["tmp_name"]) ? md5_file($f["tmp_name"]) : null; unset($f["tmp_name"]); }
$in = file_get_contents("php://input");
echo json_encode([$_POST, $_FILES, strlen($in), md5($in), $_SERVER["CONTENT_LENGTH"] ?? null]);`)
	p.write(t, "lazy.php", `<?php $f = fopen("php://input", "r"); echo strlen(fread($f, 5000)), md5(stream_get_contents($f)), "|", strlen(file_get_contents("php://input"));`)
	p.write(t, "ignore.php", `<?php echo "ignored";`)
	p.write(t, "off/.user.ini", "enable_post_data_reading = 0\n")
	p.write(t, "off/body.php", `<?php echo json_encode([$_POST, strlen(file_get_contents("php://input"))]);`)
	form := "application/x-www-form-urlencoded"
	part := func(name, file, content string) string {
		return fmt.Sprintf("--B\r\nContent-Disposition: form-data; name=%q; filename=%q\r\nContent-Type: text/plain\r\n\r\n%s\r\n", name, file, content)
	}
	for name, test := range map[string]struct {
		file, contentType, body, length string
		role                            fastcgi.Role
	}{
		"upload":         {"body.php", "multipart/form-data; boundary=B", part("f", "x.txt", "hello") + part("g", "y", strings.Repeat("0123456789", 200000)) + "--B--\r\n", "", 0},
		"upload too big": {"body.php", "multipart/form-data; boundary=B", part("f", "x.txt", strings.Repeat("0123456789", 450000)) + "--B--\r\n", "", 0},
		"upload cut":     {"body.php", "multipart/form-data; boundary=B", part("f", "x.txt", "hello")[:90], "", 0},
		"no boundary":    {"body.php", "multipart/form-data", "x", "", 0},
		"large form":     {"body.php", form, "a=" + strings.Repeat("x", 3000000), "", 0},
		"over the limit": {"body.php", form, "a=" + strings.Repeat("x", 7000000), "", 0},
		"many fields":    {"body.php", form, strings.Repeat("a[]=1&", 1200), "", 0},
		"json":           {"body.php", "application/json", strings.Repeat(`{"a":1}`, 100000), "", 0},
		"no number":      {"body.php", form, "a=1", "3x", 0},
		"lazy":           {"lazy.php", "text/plain", strings.Repeat("0123456789", 100000), "", 0},
		"ignored":        {"ignore.php", "text/plain", strings.Repeat("0123456789", 100000), "", 0},
		"ignored form":   {"ignore.php", form, strings.Repeat("0123456789", 100000), "", 0},
		"reading off":    {"off/body.php", form, "a=1", "", 0},
		"filter":         {"body.php", form, "a=1", "", fastcgi.RoleFilter},
	} {
		r := get(p.dir, test.file, "CONTENT_TYPE", test.contentType)
		r.Params[1] = "POST"
		if test.length == "" {
			test.length = fmt.Sprint(len(test.body))
		}
		r.Params = append(r.Params, "CONTENT_LENGTH", test.length)
		r.Body, r.Role = test.body, test.role
		p.compare(t, name, r)
	}
}

// A CONTENT_LENGTH that is not the body's: php-fpm waits behind the body's end for what is missing.
func TestBodyThatIsShorterThanItsLength(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("x.php", `<?php echo json_encode($_POST);`)
	for _, length := range []string{"1000", "-1"} {
		r := get(p.Dir, "x.php", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", length)
		r.Params[1] = "POST"
		r.Body = "a=1"
		if got := r.do(t, p.Socket); got.err != nil || !strings.HasSuffix(got.stdout, `{"a":"1"}`) {
			t.Errorf("%s: got %v", length, got)
		}
	}
}
