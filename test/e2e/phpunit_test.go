//go:build e2e

package e2e

import (
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

func TestPHPUnit(t *testing.T) {
	const phpunit = "/usr/bin/phpunit"
	dir := files.Make(t, map[string]string{
		"phpunit.xml": `<phpunit colors="false" cacheResult="false"><testsuites><testsuite name="all"><directory>tests</directory></testsuite></testsuites></phpunit>`,
		"tests/SumTest.php": `<?php
use PHPUnit\Framework\TestCase;
final class SumTest extends TestCase
{
	/** @dataProvider sums */
	public function testSum(int $a, int $b, int $sum): void { $this->assertSame($sum, $a + $b); }
	public static function sums(): array { return [[1, 1, 2], [2, 3, 5], 'negative' => [-1, 1, 0]]; }
	public function testException(): void { $this->expectException(TypeError::class); strlen([]); }
	public function testOutput(): void { $this->expectOutputString('printed'); echo 'printed'; }
	/** @runInSeparateProcess */
	public function testInAProcessOfItsOwn(): void { $this->assertSame('cli', PHP_SAPI); define('ONLY_HERE', 1); }
	public function testNothingLeaked(): void { $this->assertFalse(defined('ONLY_HERE')); }
}
`,
		"failing/FailingTest.php": `<?php
use PHPUnit\Framework\TestCase;
final class FailingTest extends TestCase
{
	public function testFails(): void { $this->assertSame(['a' => 1], ['a' => 2]); }
	public function testErrs(): void { throw new RuntimeException('on purpose'); }
	public function testSkips(): void { $this->markTestSkipped('not today'); }
	/** @runInSeparateProcess */
	public function testDies(): void { exit(3); }
}
`,
	})
	same(t, dir, "PHPUnit 9", phpunit, "--version")
	same(t, dir, "OK (7 tests, 7 assertions)", phpunit)
	same(t, dir, "OK (7 tests", phpunit, "--process-isolation", "--testdox")
	same(t, dir, "exit status 2", phpunit, "--no-configuration", "--do-not-cache-result", "failing")
	same(t, dir, "", phpunit, "--no-configuration", "missing")
}
