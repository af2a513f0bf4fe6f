using System.Text.Unicode;

namespace Relay.Transport.Framing;

/// <summary>Checks UTF-8 (RFC 3629) that arrives in pieces, which may split a character anywhere. Three bytes of state.</summary>
internal struct Utf8Validator
{
    // The character that the last piece ended within: bytes missing, and what the next one may be.
    private byte _missing;
    private byte _min;
    private byte _max;

    /// <summary>How far a text has come.</summary>
    public (byte Missing, byte Min, byte Max) State
    {
        readonly get => (_missing, _min, _max);
        set => (_missing, _min, _max) = value;
    }

    /// <summary>True unless the last piece ended within a character.</summary>
    public readonly bool IsComplete => _missing == 0;

    /// <summary>
    /// False when no continuation can make valid UTF-8 of the pieces so far; ask nothing more then.
    /// </summary>
    public bool Append(ReadOnlySpan<byte> piece)
    {
        var start = 0;
        while (_missing > 0 && start < piece.Length)
        {
            if (!Continue(piece[start++]))
            {
                return false;
            }
        }

        piece = piece[start..];
        var split = SplitCharacter(piece);
        if (!Utf8.IsValid(piece[..^split]))
        {
            return false;
        }

        if (split == 0)
        {
            return true;
        }

        piece = piece[^split..];
        if (!Begin(piece[0]))
        {
            return false;
        }

        foreach (var next in piece[1..])
        {
            if (!Continue(next))
            {
                return false;
            }
        }

        return true;
    }

    // How many bytes at the end look like a character whose rest is still to come: 0 to 3.
    private static int SplitCharacter(ReadOnlySpan<byte> bytes)
    {
        for (var count = 1; count <= Math.Min(3, bytes.Length); count++)
        {
            var last = bytes[^count];
            if ((last & 0xC0) != 0x80)
            {
                var length = last switch { >= 0xF0 => 4, >= 0xE0 => 3, >= 0xC0 => 2, _ => 1 };
                return length > count ? count : 0;
            }
        }

        return 0;
    }

    // The second byte is narrower where an overlong form, a surrogate or a value above U+10FFFF would begin.
    private bool Begin(byte lead)
    {
        (_missing, _min, _max) = lead switch
        {
            >= 0xC2 and <= 0xDF => ((byte)1, (byte)0x80, (byte)0xBF),
            0xE0 => ((byte)2, (byte)0xA0, (byte)0xBF),
            0xED => ((byte)2, (byte)0x80, (byte)0x9F),
            >= 0xE1 and <= 0xEF => ((byte)2, (byte)0x80, (byte)0xBF),
            0xF0 => ((byte)3, (byte)0x90, (byte)0xBF),
            >= 0xF1 and <= 0xF3 => ((byte)3, (byte)0x80, (byte)0xBF),
            0xF4 => ((byte)3, (byte)0x80, (byte)0x8F),
            _ => default,
        };
        return _missing > 0;
    }

    private bool Continue(byte next)
    {
        if (next < _min || next > _max)
        {
            return false;
        }

        (_missing, _min, _max) = ((byte)(_missing - 1), 0x80, 0xBF);
        return true;
    }
}
