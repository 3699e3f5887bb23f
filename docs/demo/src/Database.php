<?php

declare(strict_types=1);

namespace Demo;

use PDO;
use RuntimeException;

/** The notes and the pictures, in an SQLite database of the user that PHP runs as. */
final class Database
{
    private PDO $pdo;

    public function __construct()
    {
        if (!extension_loaded('pdo_sqlite')) {
            throw new RuntimeException(sprintf(
                'PHP has no SQLite here. On Debian: apt-get install php%d.%d-sqlite3, phpenmod sqlite3.',
                PHP_MAJOR_VERSION,
                PHP_MINOR_VERSION,
            ));
        }
        $this->pdo = new PDO('sqlite:' . self::directory() . '/demo.sqlite', options: [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
            PDO::ATTR_TIMEOUT => 5,
        ]);
        $this->pdo->exec('CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, text TEXT NOT NULL, changed INTEGER NOT NULL)');
        $this->pdo->exec('CREATE TABLE IF NOT EXISTS picture (id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
            hash TEXT NOT NULL UNIQUE, content BLOB NOT NULL)');
    }

    /** A directory that is this user's alone: its name can be guessed, so who made it is looked at. */
    private static function directory(): string
    {
        $configured = getenv('PHPSAPI_DEMO_DATA');
        if (is_string($configured) && $configured !== '') {
            return $configured;
        }
        $uid = posix_geteuid();
        $directory = sys_get_temp_dir() . "/phpsapi-demo-$uid";
        if (!is_dir($directory)) {
            @mkdir($directory, 0700);
            clearstatcache();
        }
        $status = @lstat($directory);
        if ($status === false || ($status['mode'] & 0170777) !== 0040700 || $status['uid'] !== $uid) {
            throw new RuntimeException("$directory is not a directory of user $uid alone. Remove it, or name another in PHPSAPI_DEMO_DATA.");
        }
        return $directory;
    }

    /** @return list<array{name: string, changed: int}> the notes, the latest first */
    public function notes(): array
    {
        return $this->pdo->query('SELECT name, changed FROM note ORDER BY changed DESC, name LIMIT 50')->fetchAll();
    }

    /** The text of a note; null if there is none of this name. */
    public function note(string $name): ?string
    {
        $statement = $this->pdo->prepare('SELECT text FROM note WHERE name = ?');
        $statement->execute([$name]);
        $text = $statement->fetchColumn();
        return $text === false ? null : $text;
    }

    public function write(string $name, string $text): void
    {
        $this->pdo->prepare('INSERT INTO note VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET text = excluded.text, changed = excluded.changed')
            ->execute([$name, $text, time()]);
    }

    /** @return list<array{id: int, name: string}> the pictures, the latest first */
    public function pictures(): array
    {
        return $this->pdo->query('SELECT id, name FROM picture ORDER BY id DESC LIMIT 20')->fetchAll();
    }

    /** @return array{type: string, hash: string, content: string}|null */
    public function picture(int $id): ?array
    {
        $statement = $this->pdo->prepare('SELECT type, hash, content FROM picture WHERE id = ?');
        $statement->execute([$id]);
        return $statement->fetch() ?: null;
    }

    public function add(string $name, string $type, string $content): void
    {
        $statement = $this->pdo->prepare('INSERT OR IGNORE INTO picture (name, type, hash, content) VALUES (?, ?, ?, ?)');
        $statement->bindValue(1, $name);
        $statement->bindValue(2, $type);
        $statement->bindValue(3, hash('sha256', $content));
        $statement->bindValue(4, $content, PDO::PARAM_LOB);
        $statement->execute();
    }
}
