namespace Server.Tests.Fuzz;

/// <summary>
/// An endless row of inputs from one seed: good ones, given or grown, that are cut, doubled, spliced and strewn with telling
/// bytes, and now and then plain noise. The same seed gives the same row.
/// </summary>
internal sealed class FuzzInputs(IReadOnlyList<byte[]> good, IReadOnlyList<byte[]> tokens, ulong seed, Action<FuzzInputs>? grow = null)
{
    private const int MaxBytes = 1000;

    private readonly byte[] _buffer = new byte[MaxBytes];
    private ulong _state = seed | 1;
    private int _length;

    /// <summary>The next input; valid until the one after it.</summary>
    public ReadOnlySpan<byte> Next()
    {
        if (Below(10) == 0)
        {
            Noise();
            return _buffer.AsSpan(0, _length);
        }

        _length = 0;
        if (grow is not null && Below(2) == 0)
        {
            grow(this);
        }
        else
        {
            Append(good[Below(good.Count)]);
        }

        for (var changes = Below(5); changes > 0; changes--)
        {
            Change();
        }

        return _buffer.AsSpan(0, _length);
    }

    /// <summary>A number from 0 to one less than <paramref name="bound"/>.</summary>
    public int Below(int bound)
    {
        // Marsaglia's xorshift: fast, and good enough to choose bytes by.
        _state ^= _state << 13;
        _state ^= _state >> 7;
        _state ^= _state << 17;
        return (int)((_state >> 33) % (ulong)bound);
    }

    /// <summary>One of these.</summary>
    public T Any<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    /// <summary>Adds to the input that grows; what does not fit is left out.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, MaxBytes - _length)];
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>The same, one character a byte.</summary>
    public void Append(string latin1)
    {
        foreach (var letter in latin1)
        {
            Append([(byte)letter]);
        }
    }

    private void Noise()
    {
        _length = Below(120);
        for (var i = 0; i < _length; i++)
        {
            _buffer[i] = (byte)Below(256);
        }
    }

    private void Change()
    {
        var at = Below(_length + 1);
        switch (Below(7))
        {
            case 0 when at < _length:
                _buffer[at] = (byte)Below(256);
                break;
            case 1 when at < _length:
                _buffer[at] ^= (byte)(1 << Below(8));
                break;
            case 2:
                Insert(at, [(byte)Below(256)]);
                break;
            case 3:
                Remove(at, Below(8));
                break;
            case 4:
                _length = at;
                break;
            case 5:
                // Some other good input from here on.
                var other = good[Below(good.Count)];
                _length = at;
                Insert(at, other.AsSpan(Below(other.Length)));
                break;
            default:
                Insert(at, tokens[Below(tokens.Count)]);
                break;
        }
    }

    private void Insert(int at, ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > MaxBytes)
        {
            return;
        }

        _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + bytes.Length));
        bytes.CopyTo(_buffer.AsSpan(at));
        _length += bytes.Length;
    }

    private void Remove(int at, int count)
    {
        count = Math.Min(count, _length - at);
        _buffer.AsSpan(at + count, _length - at - count).CopyTo(_buffer.AsSpan(at));
        _length -= count;
    }
}
