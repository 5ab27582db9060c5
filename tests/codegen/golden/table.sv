// net.0: table
  // any function
  hpq_table #(
      .LANES  (2),
      .X_W    (4),
      .INDEX_W(3),
      .Y_W    (3),
      .FILE   ("net_net_unit_values.mem"),
      .STYLE  ("distributed")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .in_data  (x_out_data),
      .in_valid (x_out_valid),
      .in_ready (x_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );

// ==== rtl/net_net_unit_values.mem
6
5
4
2
2
0
0
0
