using Relay.Configuration;
using Relay.Events;
using Relay.Sessions;
using Relay.Upgrade;

namespace Relay.Hosting;

/// <summary>SIGHUP: what lies on the disk is to be in use. A new program takes the place of this process, else the files are read again.</summary>
internal sealed class HangUp(Reloader reloader, Upgrader upgrader)
{
    private const string Signal = "SIGHUP";

    /// <summary>Before the first: what is read at the start.</summary>
    public void Begin() => reloader.Begin();

    public void Handle()
    {
        if (upgrader is { IsReplaced: true, Objection: null })
        {
            _ = UpgradeAsync();
        }
        else
        {
            reloader.Reload(RelayEvent.Relay, Signal);
        }
    }

    private async Task UpgradeAsync()
    {
        try
        {
            await upgrader.RunAsync(Drainer.DefaultRate, Drainer.DefaultDeadline, RelayEvent.Relay, $"{Signal}, and the program has been replaced");
        }
        catch (UpgradeException)
        {
            // Published, and logged.
        }
    }
}
