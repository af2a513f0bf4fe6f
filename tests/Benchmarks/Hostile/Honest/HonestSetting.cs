using System.Net;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>Where honest clients live: each at an address in a network of its own, with a name that no attacker takes by chance.</summary>
/// <param name="Relay">The relay that they use.</param>
/// <param name="Report">Where they report to.</param>
/// <param name="OfferInterval">Time between two offers of one pair.</param>
/// <param name="RoundInterval">Time between two rounds of everything else.</param>
internal sealed record HonestSetting(RelayUnderLoad Relay, HonestReport Report, TimeSpan OfferInterval, TimeSpan RoundInterval)
{
    private const string Letters = "ABCDEFGHJKLMNPQRSTUV";

    // Written while the scenes start, one after another; then by one scene at a time.
    private int _addresses;
    private int _codes;

    public int Port => Relay.Port;

    public IPAddress NewAddress()
    {
        var number = Interlocked.Increment(ref _addresses);
        return new IPAddress([127, (byte)(1 + (number / 250 % 50)), (byte)(1 + (number % 250)), 1]);
    }

    /// <summary>Begins with an H; attackers' codes begin with another letter.</summary>
    public string NewCode()
    {
        var number = Interlocked.Increment(ref _codes);
        return string.Create(6, number, static (code, value) =>
        {
            code[0] = 'H';
            for (var i = 1; i < code.Length; i++, value /= Letters.Length)
            {
                code[i] = Letters[value % Letters.Length];
            }
        });
    }
}
