-- Rollback of: 20260105_090000_create_shop
-- Date: 2026-01-05 09:00:00 UTC
-- Description: create shop
-- From: b410081fb62273ee8ba32556d0f281face01024baee8863fb4b784c0498be4f5 (PostgreSQL 17)
-- To: 88e4d597e5381b949b63c8d61898d04af62c251a4a5b365d818440759a709320 (PostgreSQL 17)
-- Hazard: DataLoss: drops table shop.warehouse and its rows
-- Hazard: DataLoss: drops table shop.stock and its rows
-- Hazard: DataLoss: drops table shop.orders and its rows
-- Hazard: DataLoss: drops table shop.staff and its rows
-- Hazard: DataLoss: drops table shop.shipment and its rows
-- Hazard: DataLoss: drops table shop.product_category and its rows
-- Hazard: DataLoss: drops table shop.product and its rows
-- Hazard: DataLoss: drops table shop.payment and its rows
-- Hazard: DataLoss: drops table shop.order_item and its rows
-- Hazard: DataLoss: drops table shop.event and its rows
-- Hazard: DataLoss: drops table shop.customer and its rows
-- Hazard: DataLoss: drops table shop.category and its rows
-- Hazard: DataLoss: drops table shop.address and its rows
-- Hazard: DataLoss: drops sequence shop.order_number and its current value
-- Proof: rehearsed on a scratch copy
-- Written by: schemadiff 0.1.0

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

-- ACCESS EXCLUSIVE on shop.stock
ALTER TABLE shop.stock DROP CONSTRAINT stock_warehouse_id_fkey;

-- ACCESS EXCLUSIVE on shop.stock
ALTER TABLE shop.stock DROP CONSTRAINT stock_product_id_fkey;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

-- ACCESS EXCLUSIVE on shop.shipment
ALTER TABLE shop.shipment DROP CONSTRAINT shipment_warehouse_id_fkey;

-- ACCESS EXCLUSIVE on shop.shipment
ALTER TABLE shop.shipment DROP CONSTRAINT shipment_order_id_fkey;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

-- ACCESS EXCLUSIVE on shop.product_category
ALTER TABLE shop.product_category DROP CONSTRAINT product_category_product_id_fkey;

-- ACCESS EXCLUSIVE on shop.product_category
ALTER TABLE shop.product_category DROP CONSTRAINT product_category_category_id_fkey;

-- ACCESS EXCLUSIVE on shop.payment
ALTER TABLE shop.payment DROP CONSTRAINT payment_order_id_fkey;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

-- ACCESS EXCLUSIVE on shop.orders
ALTER TABLE shop.orders DROP CONSTRAINT orders_handled_by_fkey;

-- ACCESS EXCLUSIVE on shop.orders
ALTER TABLE shop.orders DROP CONSTRAINT orders_customer_id_fkey;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

-- ACCESS EXCLUSIVE on shop.order_item
ALTER TABLE shop.order_item DROP CONSTRAINT order_item_product_id_fkey;

-- ACCESS EXCLUSIVE on shop.order_item
ALTER TABLE shop.order_item DROP CONSTRAINT order_item_order_id_fkey;

-- ACCESS EXCLUSIVE on shop.category
ALTER TABLE shop.category DROP CONSTRAINT category_parent_id_fkey;

-- ACCESS EXCLUSIVE on shop.address
ALTER TABLE shop.address DROP CONSTRAINT address_customer_id_fkey;

-- ACCESS EXCLUSIVE on shop.open_order
DROP VIEW shop.open_order;

-- ACCESS EXCLUSIVE on shop.available_stock
DROP VIEW shop.available_stock;

-- ACCESS EXCLUSIVE on shop.warehouse; DataLoss: drops table shop.warehouse and its rows
DROP TABLE shop.warehouse;

-- ACCESS EXCLUSIVE on shop.stock; DataLoss: drops table shop.stock and its rows
DROP TABLE shop.stock;

-- ACCESS EXCLUSIVE on shop.orders; DataLoss: drops table shop.orders and its rows
DROP TABLE shop.orders;

-- ACCESS EXCLUSIVE on shop.staff; DataLoss: drops table shop.staff and its rows
DROP TABLE shop.staff;

-- ACCESS EXCLUSIVE on shop.shipment; DataLoss: drops table shop.shipment and its rows
DROP TABLE shop.shipment;

-- ACCESS EXCLUSIVE on shop.product_category; DataLoss: drops table shop.product_category and its rows
DROP TABLE shop.product_category;

-- ACCESS EXCLUSIVE on shop.product; DataLoss: drops table shop.product and its rows
DROP TABLE shop.product;

-- ACCESS EXCLUSIVE on shop.payment; DataLoss: drops table shop.payment and its rows
DROP TABLE shop.payment;

-- ACCESS EXCLUSIVE on shop.order_item; DataLoss: drops table shop.order_item and its rows
DROP TABLE shop.order_item;

-- ACCESS EXCLUSIVE on shop.event; DataLoss: drops table shop.event and its rows
DROP TABLE shop.event;

-- ACCESS EXCLUSIVE on shop.customer; DataLoss: drops table shop.customer and its rows
DROP TABLE shop.customer;

-- ACCESS EXCLUSIVE on shop.category; DataLoss: drops table shop.category and its rows
DROP TABLE shop.category;

COMMIT;

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

-- ACCESS EXCLUSIVE on shop.address; DataLoss: drops table shop.address and its rows
DROP TABLE shop.address;

-- DataLoss: drops sequence shop.order_number and its current value
DROP SEQUENCE shop.order_number;

DROP PROCEDURE shop.cancel_order(bigint);

DROP FUNCTION shop.touch_updated_at();

DROP FUNCTION shop.order_total(bigint);

DROP FUNCTION shop.log_status();

DROP DOMAIN shop.money_amount;

DROP DOMAIN shop.email;

DROP TYPE shop.postal_address;

DROP TYPE shop.staff_role;

DROP TYPE shop.payment_method;

DROP TYPE shop.order_status;

DROP SCHEMA shop;

COMMIT;
