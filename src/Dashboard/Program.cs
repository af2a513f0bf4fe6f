using Relay.Dashboard;

return await DashboardCommand.RunAsync(args);
