<?php
/**
 * Copyright 2020 X
 */
declare(strict_types=1);

namespace App\Models;

use App\Base;
use Foo\{Bar, Baz as Q};
require 'a.php';

/** A user. */
#[Entity]
final class User extends Model implements Jsonable
{
    use HasFactory;
    const LIMIT = 3;
    public string $name;

    /** Makes it. */
    public function __construct(private int $a) { function inner() {} }
    abstract protected static function make(array $x = []): static;
}
interface Jsonable { public function toJson(): string; }
trait HasFactory { function factory() {} }
enum Suit: string { case A = 'a'; public function label(): string { return ''; } }
function helper(int $x): int { return $x; }
const VERSION = '1';
$f = function () {};
define('OLD', 1);
