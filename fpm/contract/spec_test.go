package contract

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestSpecSurvivesTheFork(t *testing.T) {
	shared := &conf.Pool{Name: "www", StatusPath: conf.Text{Value: "/status", Set: true}}
	want := &Spec{
		Role: Role, Generation: 2, Slot: 3, Slots: 5, MasterPid: 7,
		Pool: &conf.Pool{Name: "www_status", PM: conf.Ondemand, RequestTerminateTimeout: 3 * time.Second, Shared: shared,
			Env: []conf.KeyValue{{Key: "A", Value: "b"}}, LimitExtensions: []string{".php"}},
		Identity: Identity{UID: 33, GID: 33, Groups: []int{33, 44}, User: "www-data", Home: "/var/www"},
		Files:    []File{Listen, Scoreboard, Control, SharedScoreboard},
	}
	payload, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(payload)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.File(SharedScoreboard) != 3 || got.File(Access) != -1 {
		t.Errorf("files at %d and %d, want 3 and -1", got.File(SharedScoreboard), got.File(Access))
	}
}

// A path, an environment variable or a php_value is bytes, in whatever character set.
func TestBytesSurviveTheFork(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, text := range []string{"caf\xe9", string(all), "\ufffd", `\ufffd`, "日本\xff", "\u0100\xe9"} {
		want := &Spec{Role: Role, Pool: &conf.Pool{Name: "www", Chroot: conf.Text{Value: text, Set: true},
			Env: []conf.KeyValue{{Key: text, Value: text}}, LimitExtensions: []string{"", text}, Shared: &conf.Pool{Name: text}},
			Identity: Identity{Groups: []int{1}, Home: text}, Global: Global{ConfigPath: text}, Files: []File{Listen}}
		payload, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got  %+v\nwant %+v", text, got, want)
		}
	}
}

func TestBytesSurviveTheWayToTheFront(t *testing.T) {
	want := &Front{Sites: []Site{{Hosts: []string{"x"}, Root: "/srv/caf\xe9"}}, Certificates: []Certificate{{Name: "\xff", Key: []byte("\xfe\x00")}}}
	var b bytes.Buffer
	if err := want.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeFront(&b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func BenchmarkSpec(b *testing.B) {
	for name, text := range map[string]string{"text": "/var/www", "bytes": "/var/\xe9"} {
		s := &Spec{Pool: &conf.Pool{Name: "www", Chroot: conf.Text{Value: text, Set: true}}, Files: []File{Listen, Scoreboard, Control}}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				payload, err := s.Encode()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Decode(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestForeignPayloadIsRefused(t *testing.T) {
	for _, payload := range []string{"", "{}", `{"Role":"cli-server"}`, "/x.php"} {
		if s, err := Decode([]byte(payload)); err == nil {
			t.Errorf("%q: got %+v, want an error", payload, s)
		}
	}
}
