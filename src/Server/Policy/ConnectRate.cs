using System.Globalization;
using Relay.RateLimiting;

namespace Relay.Policy;

/// <summary>
/// How fast sockets are admitted, as a token bucket: "20/s burst 200" lets 200 in at once and 20 a second after that;
/// "30/m" is slower than one a second; without a burst it is ten seconds' worth, at least one; "off" is no limit.
/// </summary>
internal readonly record struct ConnectRate(double PerSecond, int Burst)
{
    public static readonly ConnectRate Off;

    public bool IsOff => Burst == 0;

    /// <summary>The time in which an empty bucket fills.</summary>
    public TimeSpan FillTime { get; } = Burst == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Burst / PerSecond);

    public static bool TryParse(string text, out ConnectRate rate)
    {
        rate = Off;
        if (text == "off")
        {
            return true;
        }

        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is not (1 or 3) || (words.Length == 3 && words[1] != "burst") || !TryParseSpeed(words[0], out var perSecond))
        {
            return false;
        }

        var burst = (int)Math.Clamp(Math.Ceiling(perSecond * 10), 1, AdmissionOptions.MaxLimit);
        if (words.Length == 3
            && (!int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out burst) || burst is < 1 or > AdmissionOptions.MaxLimit))
        {
            return false;
        }

        rate = new ConnectRate(perSecond, burst);
        return true;
    }

    public override string ToString() => IsOff ? "off"
        : PerSecond >= 1 && PerSecond == Math.Floor(PerSecond) ? string.Create(CultureInfo.InvariantCulture, $"{PerSecond:0}/s burst {Burst}")
        : string.Create(CultureInfo.InvariantCulture, $"{PerSecond * 60:0.###}/m burst {Burst}");

    /// <summary>How long until <paramref name="bucket"/>, which is so many times larger, lets one more in.</summary>
    public TimeSpan WaitFor(double scale, ref TokenBucket bucket, long now, TimeProvider time) =>
        IsOff ? TimeSpan.Zero : bucket.WaitFor(1, Burst * scale, FillTime, now, time);

    /// <summary>Lets one in, who was just seen not to have to wait.</summary>
    public void Take(ref TokenBucket bucket)
    {
        if (!IsOff)
        {
            bucket.Take(1);
        }
    }

    private static bool TryParseSpeed(string text, out double perSecond)
    {
        perSecond = 0;
        if (text.Length < 3
            || text[^2] != '/'
            || text[^1] is not ('s' or 'm')
            || !int.TryParse(text.AsSpan(0, text.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count is < 1 or > AdmissionOptions.MaxLimit)
        {
            return false;
        }

        perSecond = text[^1] == 's' ? count : count / 60.0;
        return true;
    }
}
