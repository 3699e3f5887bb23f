package contract

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

func TestSpecSurvivesTheFork(t *testing.T) {
	shared := &conf.Pool{Name: "www", StatusPath: conf.Text{Value: "/status", Set: true}}
	want := &Spec{
		Generation: 2, Slot: 3, Slots: 5, MasterPid: 7,
		Pool: &conf.Pool{Name: "www_status", PM: conf.Ondemand, RequestTerminateTimeout: 3 * time.Second, Shared: shared,
			Env: []conf.KeyValue{{Key: "A", Value: "b"}}, LimitExtensions: []string{".php"}},
		Identity: Identity{UID: 33, GID: 33, Groups: []int{33, 44}, User: "www-data", Home: "/var/www"},
		Files:    []File{Listen, Scoreboard, Control, SharedScoreboard},
	}
	got, err := Decode(want.Encode())
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
		want := &Spec{Pool: &conf.Pool{Name: "www", Chroot: conf.Text{Value: text, Set: true},
			Env: []conf.KeyValue{{Key: text, Value: text}}, LimitExtensions: []string{"", text}, Shared: &conf.Pool{Name: text}},
			Identity: Identity{Groups: []int{1}, Home: text}, Global: Global{ConfigPath: text}, Files: []File{Listen}}
		got, err := Decode(want.Encode())
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
	s := &Spec{Pool: &conf.Pool{Name: "www", Chroot: conf.Text{Value: "/var/www", Set: true}}, Files: []File{Listen, Scoreboard, Control}}
	for b.Loop() {
		if _, err := Decode(s.Encode()); err != nil {
			b.Fatal(err)
		}
	}
}

// Everything that is exported arrives, whatever its type: a field that is added tomorrow, too.
func TestEveryFieldSurvives(t *testing.T) {
	filled := func(v any) {
		n := 0
		var fill func(reflect.Value, int)
		fill = func(v reflect.Value, depth int) {
			n++
			switch v.Kind() {
			case reflect.Bool:
				v.SetBool(true)
			case reflect.String:
				v.SetString(fmt.Sprint("text ", n))
			case reflect.Pointer:
				if depth < 6 {
					v.Set(reflect.New(v.Type().Elem()))
					fill(v.Elem(), depth+1)
				}
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 2, 2))
				fill(v.Index(0), depth+1)
				fill(v.Index(1), depth+1)
			case reflect.Struct:
				for i := range v.NumField() {
					if v.Field(i).CanSet() {
						fill(v.Field(i), depth+1)
					}
				}
			case reflect.Uint8, reflect.Uint64:
				v.SetUint(uint64(n % 256))
			default:
				v.SetInt(int64(n%128) - 64)
			}
		}
		fill(reflect.ValueOf(v).Elem(), 0)
	}
	spec, front := &Spec{}, &Front{}
	filled(spec)
	filled(front)
	if got, err := Decode(spec.Encode()); err != nil || !reflect.DeepEqual(got, spec) {
		t.Errorf("%v: got  %+v\nwant %+v", err, got, spec)
	}
	var b bytes.Buffer
	if err := front.Encode(&b); err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeFront(&b); err != nil || !reflect.DeepEqual(got, front) {
		t.Errorf("%v: got  %+v\nwant %+v", err, got, front)
	}
}

// What is empty is not nil.
func TestEmptyListsSurvive(t *testing.T) {
	want := &Spec{Identity: Identity{Groups: []int{}}, Pool: &conf.Pool{}}
	if got, err := Decode(want.Encode()); err != nil || !reflect.DeepEqual(got, want) || got.Files != nil || got.Identity.Groups == nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestForeignPayloadIsRefused(t *testing.T) {
	for _, payload := range []string{"", "{}", `{"Role":"cli-server"}`, "/x.php", "fpm", "fpm\x00"} {
		if s, err := Decode([]byte(payload)); err == nil {
			t.Errorf("%q: got %+v, want an error", payload, s)
		}
	}
}

// A message that is cut short, longer or changed is an error or another message, and no panic.
func FuzzSpec(f *testing.F) {
	whole := (&Spec{Slot: 300, Pool: &conf.Pool{Name: "www", Env: []conf.KeyValue{{Key: "A", Value: "b"}}}, Files: []File{Listen}}).Encode()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(append([]byte(prefix), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if s, err := Decode(payload); err == nil {
			if again, err := Decode(s.Encode()); err != nil || !reflect.DeepEqual(s, again) {
				t.Errorf("got %+v, %v, want %+v", again, err, s)
			}
		}
	})
}

func TestMessageThatIsCutShortIsRefused(t *testing.T) {
	whole := (&Spec{Slot: 300, Pool: &conf.Pool{Name: "www"}, Files: []File{Listen}}).Encode()
	for n := range whole {
		if _, err := Decode(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d are taken for a message", n, len(whole))
		}
	}
	if _, err := Decode(append(whole, 0)); err == nil {
		t.Error("a byte too many is not an error")
	}
}
