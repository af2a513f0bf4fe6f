using System.ComponentModel;
using System.Diagnostics;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Relay.Dashboard.Security;

namespace Relay.Dashboard;

/// <summary>Says where the dashboard is, and opens it where there is a desktop.</summary>
internal static class StartPage
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static async Task AnnounceAsync(WebApplication app, DashboardSettings settings)
    {
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First().TrimEnd('/');
        if (settings.IsForTeam)
        {
            await Console.Out.WriteLineAsync($"Dashboard of {settings.Relays[0].Name} for operators with a token: {address}/");
            return;
        }

        var page = SignIn.OneTimeAddress(address, app.Services.GetRequiredService<OneTimeToken>());
        await Console.Out.WriteLineAsync($"Dashboard of {settings.Relays[0].Name}, for one browser: {page}");
        var port = new Uri(address).Port;
        var opened = settings.Opens && HasDesktop(settings) && TryOpen(page, app.Lifetime);
        await Console.Out.WriteLineAsync(opened
            ? "Opened in the browser. Ctrl-C ends it."
            : $"From another machine: ssh -L {port}:127.0.0.1:{port} HOST, then open the address there. Ctrl-C ends it.");
    }

    // Without a desktop xdg-open would start a browser in the terminal, over ssh as well.
    private static bool HasDesktop(DashboardSettings settings) =>
        OperatingSystem.IsMacOS() || ((string[])["DISPLAY", "WAYLAND_DISPLAY"]).Any(name => !string.IsNullOrEmpty(settings.Context.Variable(name)));

    // Every user of the machine can read a command line: the browser is given a file that only this user can read, and which leads on.
    private static bool TryOpen(string page, IHostApplicationLifetime lifetime)
    {
        try
        {
            var folder = Directory.CreateTempSubdirectory("relay-dashboard-").FullName;
            lifetime.ApplicationStopped.Register(() => Directory.Delete(folder, recursive: true));
            var file = Path.Combine(folder, "open.html");
            using (var writer = new StreamWriter(new FileStream(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly })))
            {
                writer.Write($"<!DOCTYPE html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url={page}\"><title>Relay</title>");
            }

            var start = new ProcessStartInfo(OperatingSystem.IsMacOS() ? "open" : "xdg-open") { RedirectStandardOutput = true, RedirectStandardError = true };
            start.ArgumentList.Add(file);
            using var process = Process.Start(start);
            return process is not null;
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
